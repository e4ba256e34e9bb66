import { existsSync, readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { programAt, runtimes } from "../lib/sys/runtimes.ts";
import { startOvs } from "./ovs.ts";
import { start } from "./run.ts";

const pidsOf = (runDir: string): readonly number[] =>
  ["ovsdb-server", "ovs-vswitchd"].map((name) =>
    Number(readFileSync(`${runDir}/${name}.pid`, "utf8")),
  );

/** Also a process that ended and that nobody has waited for is gone. */
const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

test("the switch starts, is killed, starts again and leaves nothing", async () => {
  const ovs = await startOvs();
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
  ovs.ofctl("add-flow", "sp0", "table=9,actions=drop");
  await ovs.killSwitch();
  expect(() => ovs.ofctl("dump-flows", "sp0")).toThrow("Connection refused");
  await ovs.startSwitch();
  expect(ovs.ofctl("dump-flows", "sp0")).not.toContain("table=9");
  const pids = pidsOf(ovs.runDir);
  expect(pids.map(isRunning)).toEqual([true, true]);
  await ovs.stop();
  expect(pids.map(isRunning)).toEqual([false, false]);
  expect(existsSync(ovs.runDir)).toBe(false);
});

test("no daemon outlives a test run that is killed", async () => {
  const program = `
    const { startOvs } = await import(${JSON.stringify(programAt("../../lab/ovs.ts"))});
    console.log("in " + (await startOvs()).runDir + ".");
    setInterval(() => {}, 1000);`;
  const run = start({ argv: [...runtimes.node, "--input-type=module", "--eval", program] });
  const [, runDir = ""] = await run.says(/in (\S+)\./);
  const pids = pidsOf(runDir);
  try {
    expect(pids.map(isRunning)).toEqual([true, true]);
    run.kill("SIGKILL");
    await run.outcome;
    // The kernel kills them as their parent dies, or a moment later.
    await expect.poll(() => pids.map(isRunning), { timeout: 10_000 }).toEqual([false, false]);
  } finally {
    for (const pid of pids.filter(isRunning)) process.kill(pid, "SIGKILL");
    rmSync(runDir, { recursive: true, force: true });
  }
});
