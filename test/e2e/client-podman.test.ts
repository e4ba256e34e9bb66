/** Under podman, with its CNI backend. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { collect, forget, type List } from "../clients/aftermath.ts";
import { type Podman, type PodmanContainer, startPodman } from "../clients/podman.ts";
import { chain, documented } from "../clients/samples.ts";
import { soon } from "../clients/soon.ts";
import { witness } from "../clients/witness.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { ask, startServer } from "../lab/services.ts";

/**
 * podman calls for a container's networks in no order: so that its default route is by "web" in
 * any case, "db" leaves it alone.
 */
const db: List = JSON.parse(documented("podman", "json"));

let lab: Lab;
let outside: Outside;
let podman: Podman;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  podman = await startPodman(lab, node, [chain, db]);
});
afterEach(() => lab.close());

const pings = (from: PodmanContainer, ...addresses: readonly string[]) =>
  Promise.all(addresses.map((address) => from.exec("ping", "-c1", "-W2", address)));

const addressesOf = async (container: PodmanContainer) =>
  Object.fromEntries(
    Object.entries(await container.networks()).map(([name, { IPAddress }]) => [name, IPAddress]),
  );

const remove = (...names: readonly string[]) => podman.must("rm", "--force", "--time=0", ...names);

test("containers reach each other and the world, and are reached by ports of the host", async () => {
  const one = await podman.runContainer("one", "--network=web", "--publish=8080:80");
  const two = await podman.runContainer("two", "--network=web");
  expect(await one.networks()).toMatchObject({
    web: {
      IPAddress: "10.2.0.3",
      IPPrefixLen: 16,
      Gateway: "10.2.0.1",
      MacAddress: "02:42:0a:02:00:03",
    },
  });
  const { netns } = await one.container();
  await two.container();
  await assertSound([node]);
  await pings(one, "10.2.0.4", outside.address);
  await pings(two, "10.2.0.3", outside.address);
  const server = await startServer(netns, "one", [80]);
  lab.onClose(server.stop);
  const published = { protocol: "tcp", address: outside.node, port: 8080 } as const;
  const answers = await ask(outside.netns, { published });
  expect(answers).toEqual({ published: `one ${outside.address}` });

  await remove("one", "two");
  await assertNothingLeft([node]);
  const rules = await must({ netns: node.netns, argv: ["iptables", "-t", "nat", "-S"] });
  expect(rules).not.toContain("10.2.0.3");
});

test("two networks: an interface in each, and one default route", async () => {
  const both = await podman.runContainer("both", "--network=web,db", "--network-alias=me");
  const inDb = await podman.runContainer("in-db", "--network=db");
  await both.container();
  await inDb.container();
  await assertSound([node]);
  const addresses = await addressesOf(both);
  expect(addresses).toEqual({ web: "10.2.0.3", db: "10.3.0.3" });
  await pings(both, "10.3.0.4", "10.2.0.1", outside.address);
  expect(await both.exec("ip", "route", "show", "default")).toMatch(/^default via 10\.2\.0\.1 /);
  await expect(pings(inDb, "10.2.0.3")).rejects.toThrow();
  await remove("both", "in-db");
  await assertNothingLeft([node]);
});

test("an address asked for, and the same one again", async () => {
  const one = await podman.runContainer("one", "--network=web", "--ip=10.2.7.7");
  await one.container();
  expect(await addressesOf(one)).toEqual({ web: "10.2.7.7" });
  await assertSound([node]);
  await pings(one, "10.2.0.1");
  await expect(podman.runContainer("two", "--network=web", "--ip=10.2.7.7")).rejects.toThrow(
    /Cannot assign address 10\.2\.7\.7 in network "web": it is taken by container/,
  );
  await remove("one", "two");
  const three = await podman.runContainer(
    "three",
    ...["--network=web", "--ip=10.2.7.7", "--mac-address=02:42:0a:02:07:07"],
  );
  expect(await addressesOf(three)).toEqual({ web: "10.2.7.7" });
  await remove("three");
  await assertNothingLeft([node]);
});

test("a MAC asked for, with an address and without", async () => {
  const [mac, other] = ["0a:58:00:00:00:01", "0a:58:00:00:00:02"];
  const one = await podman.runContainer("one", "--network=web", `--mac-address=${mac}`);
  const two = await podman.runContainer(
    "two",
    ...["--network=web", `--mac-address=${other}`, "--ip=10.2.7.7"],
  );
  await one.container();
  await two.container();
  expect(await one.networks()).toMatchObject({ web: { MacAddress: mac } });
  expect(await two.networks()).toMatchObject({
    web: { MacAddress: other, IPAddress: "10.2.7.7" },
  });
  await assertSound([node]);
  await pings(one, "10.2.7.7", "10.2.0.1", outside.address);
  await expect(
    podman.runContainer("three", "--network=web", `--mac-address=${mac}`),
  ).rejects.toThrow(/Cannot assign MAC 0a:58:00:00:00:01 in network "web": it is taken/);
  await podman.must("restart", "--time=0", "one");
  await one.container();
  expect(await one.networks()).toMatchObject({ web: { MacAddress: mac } });
  await pings(one, "10.2.7.7");
  await remove("one", "two", "three");
  await assertNothingLeft([node]);
});

test("restarted, stopped and started", async () => {
  const one = await podman.runContainer("one", "--network=web,db", "--publish=8080:80");
  await one.container();
  for (const again of [["restart"], ["stop", "start"]]) {
    for (const command of again) {
      await podman.must(command, ...(command === "start" ? [] : ["--time=0"]), "one");
      if (command === "stop") await assertNothingLeft([node]);
    }
    await one.container();
    await assertSound([node]);
    await pings(one, "10.2.0.1", "10.3.0.1", outside.address);
  }
  await remove("one");
  await assertNothingLeft([node]);
});

test("killed, and with its namespace gone", async () => {
  const { machine } = podman;
  const one = await podman.runContainer("one", "--network=web");
  await one.container();
  await machine.must(["kill", "-KILL", `${await one.pid()}`]);
  // podman's own watcher calls for the DEL.
  await soon("the container has ended", async () => (await one.pid()) === 0);
  await soon("its address is free", async () => (await attached()).length === 0);
  await assertNothingLeft([node]);

  await podman.must("start", "one");
  const netns = await one.netns();
  await machine.must(["umount", "--lazy", netns]);
  await machine.must(["rm", netns]);
  // Without a namespace podman calls for no DEL.
  await remove("one");
  await collect(node, chain);
  await assertNothingLeft([node]);
});

test.each([
  ["before", "DEL"],
  ["after", "GC"],
] as const)("podman killed %s our ADD, and then a %s", async (moment, command) => {
  const seen = witness(podman.machine);
  const living = await podman.runContainer("living", "--network=web");
  const { id } = await living.container();
  const held = seen.holdAdd(moment);
  const running = podman.startRun("lost", "--network=web");
  await held.reached;
  running.kill("SIGKILL");
  expect((await running.outcome).status).toBeUndefined();
  const { containerId } = await held.release();
  expect(await attached()).toHaveLength(2);

  // podman itself may not get rid of it: it leaves a mount behind.
  await podman.run("rm", "--force", "lost");
  if (command === "DEL") await forget(node, chain, containerId);
  else await collect(node, chain, id);
  expect(await attached()).toMatchObject([{ containerId: id }]);
  await pings(living, outside.address);
  await remove("living");
  await assertNothingLeft([node]);
});

const attached = async () =>
  (await factsOf(node)).taken.filter(({ name }) => name === "web" || name === "db");
