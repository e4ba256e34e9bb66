/** A fresh cache: what is known of the cluster is not asked of etcd, whether it is there or not. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { done } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container } from "../lab/node.ts";
import { until } from "../lab/until.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let cluster: Cluster;
let node: ClusterNode;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 1 });
  const [only] = cluster.nodes;
  if (only === undefined) throw new Error("Cannot start a node");
  node = only;
});
afterEach(() => lab.close());

interface Watched {
  readonly json: unknown;
  /** The addresses that it connected to, or tried to, as strace shows them. */
  readonly reached: readonly string[];
}

/** Runs a command that must succeed, and sees whom it speaks to. */
async function watch(call: Pick<CniCall, "command" | "container"> & { more?: object }) {
  const log = join(lab.folder, "connects");
  const under = ["strace", "-f", "-o", log, "-e", "trace=connect"];
  const { more, ...about } = call;
  const { json } = done(
    call.command,
    await node.cni({ ...about, conf: { ...conf, ...more }, under }),
  );
  const lines = readFileSync(log, "utf8").split("\n");
  const reached = lines.filter((line) => /connect\(.*sa_family=AF_INET/.test(line));
  return { json, reached } satisfies Watched;
}

const add = (container: Container) => watch({ command: "ADD", container });
const cacheFile = () => join(node.runDir, "networks/web/cache.json");
const readAt = (): number => JSON.parse(readFileSync(cacheFile(), "utf8")).held.readAt;

/** As if it had been read a minute earlier. */
function age(): number {
  const cache = JSON.parse(readFileSync(cacheFile(), "utf8"));
  cache.held.readAt -= 60_000;
  writeFileSync(cacheFile(), JSON.stringify(cache));
  return cache.held.readAt;
}

test("no verb connects to etcd, of which the first ADD read all", async () => {
  const first = await add(node.addContainer());
  expect(first.reached.join("\n")).toContain("192.0.2.250");
  const container = node.addContainer();
  const added = await add(container);
  const more = { prevResult: added.json };
  const further = [
    added,
    await watch({ command: "CHECK", container, more }),
    await watch({ command: "STATUS" }),
    await watch({ command: "DEL", container, more }),
    await watch({ command: "GC", more: { "cni.dev/valid-attachments": [] } }),
  ];
  expect(further.map(({ reached }) => reached)).toEqual(further.map(() => []));
});

test("an ADD does not miss an etcd that is stopped or paused", async () => {
  await add(node.addContainer());
  cluster.etcd.pause();
  expect((await add(node.addContainer())).reached).toEqual([]);
  await cluster.etcd.kill();
  expect((await add(node.addContainer())).reached).toEqual([]);
});

test("a cache that is old is read again, unless the agent keeps it up to date", async () => {
  await add(node.addContainer());
  age();
  expect((await add(node.addContainer())).reached).not.toEqual([]);
  const agent = await node.startAgent();
  await until("the agent's word that the cache is fresh", () => isWritten("fresh"));
  const aged = age();
  expect((await add(node.addContainer())).reached).toEqual([]);
  // The agent has not written it anew meanwhile.
  expect(readAt()).toBe(aged);
  await agent.stop();
  expect((await add(node.addContainer())).reached).not.toEqual([]);
});

function isWritten(name: string): boolean {
  try {
    return readFileSync(join(node.runDir, name), "utf8") !== "";
  } catch {
    return false;
  }
}
