/** The first SocketPlane's session, on two machines of a cluster: networks, commands on them, pings. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { inBackground, listed, netnsOf, typed } from "../lab/runs.ts";
import { until } from "../lab/until.ts";

let lab: Lab;
let one: ClusterNode;
let two: ClusterNode;
beforeEach(async () => {
  lab = openLab();
  const config = { logLevel: "error" };
  const cluster = await startCluster(lab, { nodes: 0, wire: "unrecorded" });
  [one, two] = await Promise.all([cluster.addNode({ config }), cluster.addNode({ config })]);
  await typed(one, "network", "create", "net1", "10.100.0.0/24");
});
afterEach(() => lab.close());

const waiting = ["-n", "net1", "-itd", "cat"];

/** Whether a command on net1 of a node reaches an address, at the second try at the latest. */
async function reaches(node: ClusterNode, address: string | undefined): Promise<boolean> {
  const ping = ["ping", "-n", "-c3", "-i0.2", "-W1", address ?? ""];
  return (await node.socketplane("run", "-n", "net1", ...ping)).stdout.includes("bytes from");
}

test("commands on two machines have addresses of one network, and reach each other", async () => {
  await Promise.all([one.startAgent(), two.startAgent()]);
  const first = await inBackground(one, ...waiting);
  const second = await inBackground(one, ...waiting);
  const third = await inBackground(two, ...waiting);
  const addresses = [first, second, third].map(({ address }) => address);
  expect(new Set(addresses).size).toBe(3);
  for (const address of [...addresses, "10.100.0.1"]) {
    await until(`an answer of ${address}`, () => reaches(two, address));
    await until(`an answer of ${address}`, () => reaches(one, address));
  }
  expect(await typed(two, "info")).toMatchObject([
    {
      container_name: "cat-1",
      container_pid: third.pid,
      network: "net1",
      connection_details: { ip: third.address, gateway: "10.100.0.1", subnet: "10.100.0.0/24" },
    },
  ]);
  const served = await inBackground(one, "-n", "net1", "iperf3", "--server");
  const client = ["run", "-n", "net1", "iperf3", "-n", "1M", "-J", "-c", served.address ?? ""];
  await until("megabytes", async () => (await two.socketplane(...client)).status === 0);
  await assertSound([one, two]);

  await typed(one, "rm", "-f", "cat-1", "cat-2", "iperf3-1");
  await typed(two, "rm", "-f", "cat-1");
  expect([await listed(one, "-a"), await listed(two, "-a")]).toEqual([[], []]);
  await assertNothingLeft([one, two]);
});

test("an address of another machine's is refused, and can be had there again", async () => {
  const there = await inBackground(two, "--ip", "10.100.0.77", ...waiting);
  const asked = ["run", "-n", "net1", "--ip", "10.100.0.77", "true"];
  const refused = await one.socketplane(...asked);
  expect(refused).toMatchObject({ status: 125, stdout: "" });
  expect(refused.stderr).toContain('its block is held by node "host-b"');
  await typed(two, "rm", "-f", there.name);
  expect(await two.socketplane(...asked)).toMatchObject({ status: 0 });
  await assertNothingLeft([one, two]);
});

test("an agent gives back what was killed, and takes nothing that runs", async () => {
  const agent = await one.startAgent();
  const living = await inBackground(one, ...waiting);
  const killed = await inBackground(one, ...waiting);
  const watcher = await typed(one, "exec", killed.name, "ps", "-o", "ppid=", "-p", `${killed.pid}`);
  process.kill(Number(watcher), "SIGKILL");
  process.kill(killed.pid ?? 0, "SIGKILL");
  await until("its end", () => netnsOf(killed.pid) === undefined);
  const shown = async () => (await typed(one, "info")) as { container_name: string }[];
  await until("its release", async () => {
    agent.kill("SIGHUP");
    return (await shown()).length === 1;
  });
  expect(await shown()).toMatchObject([{ container_name: living.name }]);
  await assertSound([one]);
  expect(await listed(one)).toMatchObject([{ name: living.name, state: "running" }]);
  await typed(one, "rm", "-f", living.name, killed.name);
  await assertNothingLeft([one]);
});
