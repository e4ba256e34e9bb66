/** Broken input, by a seeded generator: whatever comes in, a valid answer goes out. */
import { expect, test } from "vitest";
import { delegateAdd } from "../../../lib/cni/delegate.ts";
import { formatResult } from "../../../lib/cni/format-result.ts";
import { parseResult } from "../../../lib/cni/parse-result.ts";
import { versions } from "../../../lib/cni/versions.ts";
import { asFailure, Failure, failures } from "../../../lib/errors.ts";
import { collectFaults } from "../../../lib/faults.ts";
import { type Random, seeded } from "../random.ts";
import { attachmentEnv, run } from "./fake-io.ts";

const rounds = 2000;

const result = {
  cniVersion: "0.4.0",
  interfaces: [{ name: "eth0", mac: "02:42:0a:02:00:02", mtu: 1450, sandbox: "/run/netns/c1" }],
  ips: [{ version: "4", address: "10.2.0.2/16", gateway: "10.2.0.1", interface: 0 }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.2.0.1", table: 0, mtu: 1400 }],
  dns: { nameservers: ["10.2.0.1"], search: ["a.example"], options: ["ndots:5"], domain: "b" },
};
const oldResult = { ip4: { ip: "10.2.0.2/16", routes: [{ dst: "0.0.0.0/0" }] }, dns: {} };

const configuration = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  ipam: { type: "host-local", ranges: [[{ subnet: "10.2.0.0/16" }]] },
  args: { cni: { ips: ["10.2.0.9/16"], mac: "02:00:00:00:00:01", labels: [{ key: "a" }] } },
  runtimeConfig: {
    mac: "02:00:00:00:00:02",
    ips: ["10.2.0.9", "fd00::9/64"],
    portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }],
    bandwidth: { ingressRate: 1 },
    dns: { servers: ["10.2.0.1"] },
  },
  capabilities: { portMappings: true },
  prevResult: result,
  "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }],
  "cni.dev/attachments": [],
};

const environment: Readonly<Record<string, string>> = {
  CNI_COMMAND: "ADD",
  ...attachmentEnv,
  CNI_ARGS: "IgnoreUnknown=1;IP=10.2.0.9;MAC=02:00:00:00:00:01;K8S_POD_NAME=web-0",
  CNI_NETNS_OVERRIDE: "0",
};

const commands = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"];

/** Values that have broken parsers. */
const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  -0,
  1.5,
  1e308,
  2 ** 53,
  "",
  " ",
  "\0",
  "\ud800",
  "__proto__",
  "constructor",
  "10.2.0.2/33",
  "::ffff:10.2.0.2/96",
  "1:2:3:4:5:6:7:8:9",
  "999.1.1.1/8",
  "01.2.3.4",
  "0.2.0",
  "1.1.0",
  "ADD",
  "x".repeat(5000),
  [],
  [[]],
  [null],
  {},
  { __proto__: null, length: 1 },
  JSON.parse('{"__proto__":{"x":1},"toString":1,"hasOwnProperty":2}'),
  "<deep>",
];
const oddTexts = odd.filter((one) => typeof one === "string");

/** A copy in which one value somewhere is odd, missing, twice, or under another key. */
function mutated(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.below(5) === 0) return random.one(odd);
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    const changed = at < value.length ? [mutated(value[at], random)] : [random.one(odd)];
    return [...value.slice(0, at), ...changed, ...value.slice(at + random.below(2))];
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { x: random.one(odd) };
  const [key, inner] = random.one(entries);
  const kept = entries.filter(([other]) => other !== key);
  const way = random.below(6);
  if (way === 0) return Object.fromEntries(kept);
  if (way === 1) return Object.fromEntries([...kept, [key.toUpperCase(), inner]]);
  if (way === 2) return Object.fromEntries([...entries, [random.one(oddTexts), inner]]);
  return Object.fromEntries([...kept, [key, mutated(inner, random)]]);
}

/** Bytes flipped, cut out, cut off or doubled. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length);
  const length = random.below(20);
  const [before, cut, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  const way = random.below(4);
  if (way === 0) return Buffer.concat([before, after]);
  if (way === 1) return before;
  if (way === 2) return Buffer.concat([before, cut, cut, after]);
  return Buffer.concat([before, cut.map((byte) => byte ^ (1 << random.below(8))), after]);
}

/** JSON, with what JSON.stringify can't do. */
const textOf = (value: unknown): string =>
  JSON.stringify(value).replaceAll('"<deep>"', `${"[".repeat(20_000)}${"]".repeat(20_000)}`);

function someStdin(random: Random): Uint8Array {
  let value: unknown = configuration;
  for (let times = random.below(4); times > 0; times -= 1) value = mutated(value, random);
  const bytes = Buffer.from(textOf(value));
  return random.below(3) === 0 ? damaged(bytes, random) : bytes;
}

function someEnv(random: Random): Record<string, string> {
  const env: Record<string, string> = { ...environment, CNI_COMMAND: random.one(commands) };
  for (let times = random.below(3); times > 0; times -= 1) {
    const key = random.one(Object.keys(environment));
    const way = random.below(3);
    if (way === 0) delete env[key];
    else if (way === 1) env[key] = random.one(oddTexts);
    else env[key] = Buffer.from(damaged(Buffer.from(env[key] ?? "x"), random)).toString();
  }
  return env;
}

const codes = new Set<number>(Object.values(failures).map(({ code }) => code));

test(`${rounds} broken commands: an answer each, never a fault of ours`, async () => {
  const tally = { refused: 0, done: 0 };
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = seeded(seed);
    const env = someEnv(random);
    const { status, stdout, said, requests } = await run({
      env,
      stdin: someStdin(random),
      honours: ["mac", "ips", "portMappings", "bandwidth", "dns"],
    });
    const context = `seed ${seed}: ${stdout.slice(0, 500)}`;
    if (status === 0) {
      tally.done += 1;
      const speaks = env.CNI_COMMAND === "ADD" || env.CNI_COMMAND === "VERSION";
      expect(stdout !== "", context).toBe(speaks);
      if (speaks) expect(versions, context).toContain(said.cniVersion);
      for (const request of requests) {
        if (!("containerId" in request)) continue;
        expect(request.containerId, context).toMatch(/^[a-zA-Z0-9][\w.-]*$/);
        expect(request.ifname, context).toMatch(/^[^/:\s]{1,15}$/);
      }
    } else {
      tally.refused += 1;
      expect(requests, context).toEqual([]);
      expect(versions, context).toContain(said.cniVersion);
      expect(codes, context).toContain(said.code);
      expect(said.code, context).not.toBe(999);
      expect(said.msg, context).toMatch(/^Cannot run /);
      expect(stdout.length, context).toBeLessThan(100_000);
    }
  }
  // Both ways are walked: neither all broken nor all whole.
  expect(tally.refused).toBeGreaterThan(rounds / 10);
  expect(tally.done).toBeGreaterThan(rounds / 10);
});

test(`${rounds} broken results: read and written, or refused with reasons`, () => {
  let written = 0;
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = seeded(seed);
    const json = mutated(random.one([result, oldResult]), random);
    const faults = collectFaults();
    const parsed = parseResult(json, random.one(versions), faults, "prevResult");
    if (parsed === undefined || faults.any()) {
      expect(faults.any(), `seed ${seed}`).toBe(true);
      continue;
    }
    for (const version of versions) {
      try {
        const text = formatResult(parsed, version);
        expect(JSON.parse(text).cniVersion, `seed ${seed}`).toBe(version);
        written += 1;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(Failure);
      }
    }
  }
  expect(written).toBeGreaterThan(rounds / 10);
});

test(`${rounds} delegates that say broken things: never a fault of ours`, async () => {
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = seeded(seed);
    const whole = random.one([result, { code: 11, msg: "wait", details: "x" }]);
    const bytes = damaged(Buffer.from(textOf(mutated(whole, random))), random);
    const stdout = Buffer.from(bytes).toString();
    const ended = { how: "exited", status: random.below(2), stdout, stderr: "" } as const;
    const failure = await delegateAdd(
      {
        clock: () => 0,
        writeStderr: () => {},
        exec: { isFile: async () => true, run: async () => ended, pause: async () => {} },
      },
      {
        config: {
          name: "web",
          cniVersion: "1.1.0",
          type: undefined,
          ipam: { type: "fake", raw: {} },
          raw: {},
          bytes: new Uint8Array(),
        },
        env: { CNI_PATH: "/a" },
      },
      { left: () => 1 },
    ).then(() => undefined, asFailure);
    if (failure === undefined) continue;
    expect(failure.message, `seed ${seed}`).toMatch(/^Cannot (delegate|use)/);
    expect(failure.kind, `seed ${seed}`).not.toBe("internal");
  }
});
