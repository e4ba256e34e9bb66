/** Lists that are shown again when they change. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attach, detach } from "../lab/attach.ts";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables, type LabNode } from "../lab/node.ts";
import { type Running, start } from "../lab/run.ts";

let lab: Lab;
beforeEach(() => {
  lab = openLab();
});
afterEach(() => lab.close());

const limitMs = 300_000;
const line = (change: string, what: string) =>
  new RegExp(`^{"change":"${change}".*${what}.*}$`, "m");

/** Starts it, in a pipe: JSON. It goes with the lab. */
function watch(node: LabNode, ...args: readonly string[]): Running {
  const watching = start({ ...node.operatorCommand(...args), limitMs });
  lab.onClose(async () => {
    watching.kill("SIGKILL");
    await watching.outcome;
  });
  return watching;
}

const does = async (node: LabNode, ...args: readonly string[]) => {
  const { status, stderr } = await node.socketplane(...args);
  expect({ args, status, stderr: status === 0 ? "" : stderr }).toMatchObject({ status: 0 });
};

describe("on a machine alone", () => {
  let node: LabNode;
  beforeEach(async () => {
    node = await lab.startNode();
    await does(node, "network", "create", "web", "10.2.0.0/16");
  });

  test("each network that comes, changes or goes is a line, and Ctrl-C is a good end", async () => {
    const watching = watch(node, "network", "list", "--watch");
    await watching.says(line("added", '"id":"web"'));
    await does(node, "network", "create", "db", "10.3.0.0/16");
    await watching.says(line("added", '"id":"db"'));
    await does(node, "network", "allow", "web", "db");
    await watching.says(line("changed", '"id":"web".*"allowed":\\["db"\\]'));
    await does(node, "network", "delete", "db");
    await watching.says(line("removed", '"id":"db"'));
    watching.kill("SIGINT");
    const { status, stdout, stderr } = await watching.outcome;
    expect({ status, errors: stderr }).toEqual({ status: 0, errors: "" });
    // Nothing is told twice.
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toEqual([...new Set(lines)]);
  });

  test("addresses and leases too, whose containers are here", async () => {
    const addresses = watch(node, "address", "ls", "-w", "--network", "web");
    const leases = watch(node, "lease", "list", "--watch");
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
    const { container } = await attach(node, node.addContainer(), conf);
    await addresses.says(line("added", `"container":"${container.id}"`));
    await leases.says(line("added", '"prefix":"10.2.0.0/26","node":"local"|"node":"node"'));
    await detach(node, container, conf);
    await addresses.says(line("removed", `"container":"${container.id}"`));
    for (const one of [addresses, leases]) {
      one.kill("SIGTERM");
      expect(await one.outcome).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("a table is shown anew: in its place on a terminal, else after the one before", async () => {
    const asTable = watch(node, "network", "list", "--watch", "-o", "table");
    const command = `${executables}socketplane network list --watch`;
    const argv = ["script", "-qec", command, "/dev/null"];
    const onTerminal = start({ ...node.operatorCommand(), argv, limitMs });
    lab.onClose(async () => {
      onTerminal.kill("SIGKILL");
      await onTerminal.outcome;
    });
    for (const one of [asTable, onTerminal]) await one.says(/^web /m);
    await does(node, "network", "create", "db", "10.3.0.0/16");
    for (const one of [asTable, onTerminal]) await one.says(/^db .*\r?\n^web /m);
    asTable.kill("SIGINT");
    onTerminal.kill("SIGTERM");
    expect((await asTable.outcome).stdout.split("\n\n")).toHaveLength(2);
    const { stdout } = await onTerminal.outcome;
    expect(
      stdout
        .split("\u001b[2J\u001b[H")
        .slice(1)
        .map((one) => one.includes("db ")),
    ).toEqual([false, true]);
  });

  test("what can't be read to begin with is an error, as without watching", async () => {
    const watching = watch(node, "lease", "list", "--watch", "--network", "none");
    const { status, stderr } = await watching.outcome;
    expect({ status, stderr }).toMatchObject({ status: 1 });
    expect(stderr).toContain('Cannot list the leases of network "none": there is none');
  });
});

test("an etcd that goes away is said once, and what it has when it is back is shown", async () => {
  const cluster = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
  const [node] = cluster.nodes as [ClusterNode];
  await does(node, "network", "create", "web", "10.2.0.0/16");
  const networks = watch(node, "network", "list", "--watch");
  await networks.says(line("added", '"id":"web"'));
  await cluster.etcd.kill();
  await networks.says(/^socketplane: Cannot .*\n {2}Still trying$/m);
  await cluster.etcd.start();
  await networks.says(/^socketplane: the store answers again$/m);
  await does(node, "network", "create", "db", "10.3.0.0/16");
  await networks.says(line("added", '"id":"db"'));
  // What is held back is as good as away.
  cluster.etcd.pause();
  await networks.says(/again\n(.*\n)*socketplane: Cannot/);
  cluster.etcd.resume();
  await networks.says(/again\n(.*\n)*socketplane: the store answers again/);
  const nodes = watch(node, "node", "list", "--watch");
  const agent = await node.startAgent();
  await nodes.says(line("(added|changed)", '"node":"host-a".*"agent":true'));
  await agent.stop();
  await nodes.says(line("changed", '"agent":false'));
  for (const one of [networks, nodes]) {
    one.kill("SIGINT");
    expect(await one.outcome).toMatchObject({ status: 0 });
  }
  // It is away once for each time that it is back, however often it was asked meanwhile.
  // The log has words of its own for it, where a watch had begun by then.
  const told = (await networks.outcome).stderr.matchAll(/^socketplane: (Cannot|the store)/gm);
  const said = [...told].map(([, what]) => what);
  expect(said.length).toBeGreaterThan(3);
  expect(said).toEqual(said.map((_, index) => (index % 2 === 0 ? "Cannot" : "the store")));
});
