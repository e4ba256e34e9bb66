/** Clocks, parameters, families: small questions to the kernel. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";
import { inside, openNetns } from "../../../lib/sys/netns.ts";
import { readSysctl, writeSysctl } from "../../../lib/sys/sysctl.ts";
import { start } from "../../lab/run.ts";
import { type Namespace, type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";

const ffi = openFfi();
const kernel = openKernel(ffi);

test("the boot id is the kernel's", () => {
  expect(kernel.bootId()).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
});

test("the boot clock counts milliseconds since boot", () => {
  const uptime = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const before = uptime();
  const now = kernel.sinceBoot();
  // The kernel's own figure is cut to hundredths of a second.
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThan(uptime() + 10);
});

test("a sleep lasts at least as long as asked", () => {
  for (const ms of [0, 0.2, 30, 1001]) {
    const before = kernel.sinceBoot();
    kernel.sleep(ms);
    expect(kernel.sinceBoot() - before).toBeGreaterThanOrEqual(ms);
  }
});

test.each(["bun", "node"] as const)(
  "%s: a signal ends neither a sleep nor a wait for a peer",
  async (runtime) => {
    const folder = mkdtempSync(join(tmpdir(), "sp-signal-"));
    const path = join(folder, "socket");
    const server = createServer();
    try {
      server.listen(path);
      const accepted = once(server, "connection");
      const program = start({ argv: [...runtimes[runtime], programAt("interrupted.ts"), path] });
      await program.says(/ready/);
      const signals = setInterval(() => program.kill("SIGUSR2"), 20);
      const [socket] = (await accepted) as [Socket];
      setTimeout(() => socket.end("late"), 1000);
      const { stdout, stderr } = await program.outcome;
      clearInterval(signals);
      expect(stderr).toBe("");
      expect(stdout).toBe('ready\n{"whole":true,"received":"late"}');
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test("generic netlink's own family is there, an invented one is not", () => {
  expect(kernel.hasGenericFamily("nlctrl")).toBe(true);
  expect(kernel.hasGenericFamily("sp_no_such")).toBe(false);
});

describe("parameters", () => {
  let namespaces: Namespaces;
  let box: Namespace;
  beforeEach(() => {
    namespaces = openNamespaces();
    box = namespaces.make("box");
  });
  afterEach(() => namespaces.cleanup.run());

  test("are written and read in the namespace we are in", () => {
    const netns = openNetns(ffi, box.path);
    if (netns === undefined) throw new Error("it should have been there");
    const own = readSysctl(ffi, "net/ipv4/ip_forward");
    inside(ffi, netns, () => {
      expect(readSysctl(ffi, "net/ipv4/ip_forward")).toMatch(/^[01]$/);
      for (const value of ["1", "0", "1"]) {
        writeSysctl(ffi, "net/ipv4/ip_forward", value);
        expect(readSysctl(ffi, "net/ipv4/ip_forward")).toBe(value);
      }
    });
    expect(readSysctl(ffi, "net/ipv4/ip_forward")).toBe(own);
    ffi.call("close", netns.fd);
  });

  test("that are not there, or take no such value, are told", () => {
    expect(kernel.readSysctl("net/ipv4/no_such")).toBeUndefined();
    expect(() => kernel.writeSysctl("net/ipv4/no_such", "1")).toThrow(
      'Cannot set sysctl net.ipv4.no_such to "1": there is no such thing (ENOENT)',
    );
    const netns = openNetns(ffi, box.path);
    if (netns === undefined) throw new Error("it should have been there");
    const wrong = () => writeSysctl(ffi, "net/ipv4/ip_forward", "yes");
    expect(() => inside(ffi, netns, wrong)).toThrow(/it is not valid \(EINVAL\)/);
    ffi.call("close", netns.fd);
  });

  test("that are right already need not be writable", () => {
    const boot = kernel.readSysctl("kernel/random/boot_id") ?? "";
    const id = () =>
      kernel.writeSysctl("kernel/osrelease", kernel.readSysctl("kernel/osrelease") ?? "");
    expect(boot).not.toBe("");
    expect(id).not.toThrow();
    expect(() => kernel.writeSysctl("kernel/osrelease", "other")).toThrow(/EACCES|EPERM|EROFS/);
  });
});
