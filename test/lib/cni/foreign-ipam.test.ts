/** Delegation to the IPAM plugins of Debian's containernetworking-plugins, as real processes. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  delegateAdd,
  delegateCheck,
  delegateDel,
  delegateStatus,
} from "../../../lib/cni/delegate.ts";
import type { Result } from "../../../lib/cni/result.ts";
import { type Version, versions } from "../../../lib/cni/versions.ts";
import { deadlineIn } from "../../../lib/deadline.ts";
import { processExec } from "../../../lib/sys/exec.ts";
import { attachmentEnv } from "./fake-io.ts";

const folder = "/usr/lib/cni";

let dataDir = "";
let stderr = "";
beforeEach(async () => {
  stderr = "";
  dataDir = await mkdtemp(join(tmpdir(), "ipam-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

const clock = () => performance.now();
const soon = () => deadlineIn(clock, 20_000);
const deps = {
  exec: processExec(),
  clock,
  writeStderr: (text: string) => {
    stderr += text;
  },
};

function delegated(cniVersion: Version, type: string, ipam: object, more: object = {}) {
  const raw = { type, dataDir, ...ipam };
  const config = { cniVersion, name: "web", type: "socketplane", ipam: raw, ...more };
  const bytes = Buffer.from(JSON.stringify(config));
  return {
    config: { name: "web", cniVersion, type: "socketplane", ipam: { type, raw }, raw: {}, bytes },
    env: { ...attachmentEnv, CNI_PATH: `/nowhere:${folder}` },
  };
}

const ranges = {
  IPv4: [[{ subnet: "10.2.0.0/29", gateway: "10.2.0.1" }]],
  IPv6: [[{ subnet: "fd00:2::/125", gateway: "fd00:2::1" }]],
  "dual stack": [[{ subnet: "10.2.0.0/29" }], [{ subnet: "fd00:2::/125" }]],
} as const;

/** The last of those that Debian's plugins speak. */
const spoken = versions.filter((version) => version !== "1.1.0");
const table = spoken.flatMap((version) =>
  (Object.keys(ranges) as (keyof typeof ranges)[]).map((family) => ({ version, family })),
);

const reservations = async () =>
  (await readdir(join(dataDir, "web"))).filter((name) => name.includes("2"));

const families = (result: Result) => result.ips.map(({ family }) => family).sort();

test.each(table)("host-local, $family in $version", async ({ version, family }) => {
  const given = delegated(version, "host-local", {
    ranges: ranges[family],
    routes: family === "IPv6" ? [{ dst: "::/0" }] : [{ dst: "0.0.0.0/0" }],
  });
  const result = await delegateAdd(deps, given, soon());
  const wanted = family === "IPv4" ? [4] : family === "IPv6" ? [6] : [4, 6];
  expect(families(result)).toEqual(wanted);
  for (const ip of result.ips) {
    const second = ip.family === 4 ? 0x0a020002 : (0xfd000002n << 96n) | 2n;
    expect(ip).toMatchObject({ address: second, interface: undefined });
    expect(ip.gateway).toBeDefined();
  }
  expect(result.interfaces).toEqual([]);
  expect(result.routes).toHaveLength(1);
  if (version === "0.4.0" || version === "1.0.0") await delegateCheck(deps, given, soon());
  expect(await reservations()).toHaveLength(wanted.length);
  await delegateDel(deps, given, soon());
  await delegateDel(deps, given, soon());
  expect(await reservations()).toEqual([]);
});

test("host-local that is full says so in its own words, and keeps nothing", async () => {
  const full = delegated("1.0.0", "host-local", {
    ranges: [[{ subnet: "10.2.0.0/30", rangeStart: "10.2.0.2", rangeEnd: "10.2.0.2" }]],
  });
  await delegateAdd(deps, full, soon());
  const second = { ...full, env: { ...full.env, CNI_CONTAINERID: "c2" } };
  await expect(delegateAdd(deps, second, soon())).rejects.toThrow("no IP addresses available");
  expect(await reservations()).toEqual(["10.2.0.2"]);
});

test("host-local that doesn't speak the version says so, with code 1", async () => {
  const given = delegated("1.1.0", "host-local", { ranges: ranges.IPv4 });
  const message = 'Cannot delegate ADD to IPAM plugin "host-local": incompatible CNI versions';
  await expect(delegateAdd(deps, given, soon())).rejects.toThrow(message);
  await expect(delegateAdd(deps, given, soon())).rejects.toMatchObject({ code: 1 });
  await expect(delegateStatus(deps, given, soon())).rejects.toMatchObject({ code: 4 });
});

test("static, with what CNI_ARGS asks for", async () => {
  const given = delegated("1.0.0", "static", {});
  const asked = { ...given, env: { ...given.env, CNI_ARGS: "IP=10.2.0.9/16;GATEWAY=10.2.0.1" } };
  const result = await delegateAdd(deps, asked, soon());
  expect(result.ips).toEqual([
    { family: 4, address: 0x0a020009, length: 16, gateway: 0x0a020001, interface: undefined },
  ]);
  await delegateDel(deps, asked, soon());
});

test("static, with what runtimeConfig asks for", async () => {
  const more = { runtimeConfig: { ips: ["10.2.0.7/16"] }, capabilities: { ips: true } };
  const given = delegated("0.4.0", "static", {}, more);
  expect((await delegateAdd(deps, given, soon())).ips).toMatchObject([{ address: 0x0a020007 }]);
  expect(stderr).toBe("");
});
