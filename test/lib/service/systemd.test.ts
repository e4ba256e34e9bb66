/**
 * The units' form against programs in the place of systemctl and journalctl: real processes that
 * write down what they are called with, and answer as they are told.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { serviceWorld } from "../../../cmd/services.ts";
import { Failure } from "../../../lib/errors.ts";
import { defaultNodeConfig } from "../../../lib/node-config.ts";
import { openServices } from "../../../lib/service/open.ts";
import type { Services } from "../../../lib/service/services.ts";
import { reloadUnits } from "../../../lib/service/systemd.ts";
import type { ServiceWorld } from "../../../lib/service/world.ts";

const none = (): never => {
  throw new Error("nothing of ours is needed");
};

let folder: string;
let world: ServiceWorld;
let services: Services;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-systemd-"));
  const { env, hrtime } = process;
  const clock = () => Number(hrtime.bigint()) / 1e6;
  const real = serviceWorld(openFfi(), { env, clock, readFile: () => undefined, makeDir: none });
  const places = {
    running: folder,
    systemctl: [join(folder, "nowhere"), join(folder, "systemctl")],
    journalctl: [join(folder, "journalctl")],
  };
  world = { ...real, systemd: places };
  services = openServices(world, { config: defaultNodeConfig(), path: undefined });
  fake("systemctl", `case $1 in show) cat ${folder}/shown;; esac`);
  fake("journalctl", "echo first; echo second");
  shows("active", 1);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program there that first writes down what it is called with. */
function fake(name: "systemctl" | "journalctl", script: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${script}\n`);
  chmodSync(path, 0o755);
}

function shows(state: string, pid: number, load = "loaded"): void {
  const lines = [`LoadState=${load}`, `ActiveState=${state}`, `MainPID=${pid}`, "Result=success"];
  writeFileSync(join(folder, "shown"), `${[...lines, "UnitFileState=enabled"].join("\n")}\n`);
}

const calls = (): readonly string[] =>
  existsSync(join(folder, "calls"))
    ? readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n")
    : [];
/** Without the questions. */
const deeds = () => calls().filter((call) => !call.startsWith("systemctl show"));

const unit = "socketplane-agent.service";

test("is what there is where systemd runs, and node.json is the usual one", () => {
  const config = defaultNodeConfig();
  const kindOf = (path: string | undefined, systemd = world.systemd) =>
    openServices({ ...world, systemd }, { config, path }).kind;
  expect(kindOf(undefined)).toBe("systemd");
  expect(kindOf("/etc/socketplane/node.json")).toBe("systemd");
  expect(kindOf("/elsewhere/node.json")).toBe("processes");
  expect(kindOf(undefined, { ...world.systemd, running: join(folder, "no") })).toBe("processes");
});

describe("start", () => {
  test("starts a unit that does not run", async () => {
    shows("inactive", 0);
    expect(await services.start("agent")).toBe(true);
    expect(deeds()).toEqual([`systemctl start ${unit}`]);
  });

  test("leaves one alone that runs", async () => {
    expect(await services.start("etcd")).toBe(false);
    expect(calls().every((call) => call.endsWith("socketplane-etcd.service"))).toBe(true);
    expect(deeds()).toEqual([]);
  });

  test("waits for one that is starting", async () => {
    shows("activating", 0);
    expect(await services.start("agent")).toBe(true);
    expect(deeds()).toEqual([`systemctl start ${unit}`]);
  });

  test("that fails tells why, with the unit's last words", async () => {
    shows("inactive", 0);
    const refusal = 'echo "Job for x failed." >&2; echo "See journalctl -xeu x." >&2; exit 1';
    fake("systemctl", `case $1 in show) cat ${folder}/shown;; *) ${refusal};; esac`);
    const failure = await services.start("agent").catch((fault: unknown) => fault);
    expect(failure).toMatchObject({
      kind: "io",
      message: `Cannot start ${unit}: Job for x failed.`,
      details: "See journalctl -xeu x.\nfirst\nsecond",
    });
    expect(deeds().at(-1)).toBe(`journalctl --unit ${unit} --output cat --quiet --lines 15`);
  });

  test("of a unit that is not there says what to do", async () => {
    shows("inactive", 0, "not-found");
    for (const verb of ["start", "stop", "restart"] as const) {
      const failure = await services[verb]("agent").catch((fault: unknown) => fault);
      expect(failure).toMatchObject({ details: "Have it written: socketplane install" });
    }
    expect(deeds()).toEqual([]);
  });
});

test("stop, restart, enable, disable and daemon-reload are systemctl's", async () => {
  expect(await services.stop("agent")).toBe(true);
  await services.restart("agent");
  await services.enable("agent");
  await services.disable("etcd");
  await reloadUnits(world);
  expect(deeds()).toEqual([
    `systemctl stop ${unit}`,
    `systemctl restart ${unit}`,
    `systemctl enable ${unit}`,
    "systemctl disable socketplane-etcd.service",
    "systemctl daemon-reload",
  ]);
  shows("inactive", 0);
  expect(await services.stop("agent")).toBe(false);
});

test("status is that of the unit, with the age of its process", async () => {
  shows("active", process.pid);
  const { since, ...status } = await services.status("agent");
  expect(status).toEqual({
    service: "agent",
    state: "running",
    pid: process.pid,
    reason: undefined,
    enabled: true,
  });
  const age = Date.now() - (since ?? 0);
  expect(Math.abs(age - process.uptime() * 1_000)).toBeLessThan(5_000);
});

describe("logs", () => {
  const read = async (follow: boolean, signal: AbortSignal) => {
    const lines: string[] = [];
    await services.logs("agent", { lines: 7, follow }, (line) => void lines.push(line), signal);
    return lines;
  };

  test("are the journal's", async () => {
    expect(await read(false, new AbortController().signal)).toEqual(["first", "second"]);
    expect(calls()).toEqual([`journalctl --unit ${unit} --output cat --quiet --lines 7`]);
  });

  test("are followed until somebody has enough", async () => {
    fake("journalctl", `echo $$ > ${folder}/pid; echo first; exec sleep 1000`);
    const enough = new AbortController();
    const lines: string[] = [];
    const request = { lines: 7, follow: true };
    const onLine = (line: string) => {
      lines.push(line);
      enough.abort();
    };
    await services.logs("agent", request, onLine, enough.signal);
    expect(lines).toEqual(["first"]);
    expect(calls()).toEqual([`journalctl --unit ${unit} --output cat --quiet --lines 7 --follow`]);
    expect(existsSync(`/proc/${readFileSync(join(folder, "pid"), "utf8").trim()}`)).toBe(false);
  });

  test("that can't be read are an error", async () => {
    fake("journalctl", "exit 3");
    await expect(read(false, new AbortController().signal)).rejects.toThrow(
      `Cannot read the log of ${unit}: journalctl ended by exit status 3`,
    );
  });
});

test("without systemctl it says where that was looked for", async () => {
  rmSync(join(folder, "systemctl"));
  const failure = await services.start("agent").catch((fault: unknown) => fault);
  if (!(failure instanceof Failure)) throw failure;
  expect(failure.message).toContain(`it is at none of ${folder}/nowhere, ${folder}/systemctl`);
});
