/**
 * ADD as a whole process, with the embedded store and with etcd, on one machine: two node.json with
 * a bridge, a run directory and a store each.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startCluster } from "../lab/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { executables } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import type { AddPlan } from "./add-worker.ts";

/** Milliseconds, one value for each round. */
export interface AddSamples {
  /** With the embedded store. */
  readonly file: readonly number[];
  /** With etcd, of which nothing has to be asked. */
  readonly fresh: readonly number[];
  /** With etcd, where everything has to be read. */
  readonly read: readonly number[];
  /** With etcd, where a lease has to be claimed. */
  readonly claim: readonly number[];
}

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export async function measureAdds(lab: Lab, rounds: number): Promise<AddSamples> {
  // On a tmpfs, as /run is where systemd is: a rename on ext4 waits for the disk.
  const memory = mkdtempSync("/dev/shm/sp-bench-");
  lab.onClose(() => rmSync(memory, { recursive: true, force: true }));
  const { addNode } = await startCluster(lab, { nodes: 0, wire: "unrecorded" });
  const node = await addNode({ config: { runDir: join(memory, "etcd"), logLevel: "warn" } });
  const { ovs, ...common } = JSON.parse(readFileSync(node.config, "utf8"));
  const alone = join(dirname(node.config), "alone.json");
  const own = {
    store: { type: "file", path: join(memory, "store") },
    runDir: join(memory, "file"),
  };
  writeFileSync(alone, JSON.stringify({ ...common, ...own, ovs: { ...ovs, bridge: "sp1" } }));
  const plan: AddPlan = {
    rounds,
    executables,
    runDir: common.runDir,
    configs: { file: alone, etcd: node.config },
  };
  const output = join(memory, "samples.json");
  await must({
    argv: [
      ...[at("node_modules/.bin/bun"), "--no-env-file", at("test/bench/add-worker.ts")],
      ...[JSON.stringify(plan), output],
    ],
    netns: node.netns,
    limitMs: 600_000,
  });
  return JSON.parse(readFileSync(output, "utf8"));
}
