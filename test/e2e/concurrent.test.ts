/** Many commands at once: of many containers, of one attachment, and of two networks. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Attached, attach, attachedBy, check, codeOf, detach, done } from "../lab/attach.ts";
import { assertNothingLeft, assertSound, soundFactsOf } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, CniOutcome, Container, LabNode } from "../lab/node.ts";
import { ping, transfer } from "../lab/probe.ts";
import { must } from "../lab/run.ts";
import { seeded } from "../lib/random.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const patient = { timeout: 600_000 };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

const containersOf = (where: LabNode, count: number): readonly Container[] =>
  Array.from({ length: count }, () => where.addContainer());

const addAll = (where: LabNode, containers: readonly Container[]): Promise<Attached[]> =>
  Promise.all(containers.map((container) => attach(where, container, conf)));

const deleteAll = (where: LabNode, containers: readonly Container[]): Promise<unknown> =>
  Promise.all(containers.map((container) => detach(where, container, conf)));

describe("16 ADDs at once", () => {
  test("give each its own address, 20 rounds long", patient, async () => {
    const containers = containersOf(node, 16);
    for (let round = 1; round <= 20; round += 1) {
      const attached = await addAll(node, containers);
      expect(new Set(attached.map(({ address }) => address)).size).toBe(16);
      if (round === 1) await eachReached(attached);
      if (round === 1 || round === 20) await assertSound([node]);
      await deleteAll(node, containers);
      await assertNothingLeft([node]);
    }
  });

  test("as the first ever make one network, one bridge, one gateway", patient, async () => {
    for (let round = 1; round <= 3; round += 1) {
      const fresh = await lab.startNode();
      const containers = containersOf(fresh, 16);
      const outcomes = await Promise.all(
        containers.map(async (container) => {
          const outcome = done("ADD", await fresh.cni({ command: "ADD", conf, container }));
          return { ...attachedBy(container, outcome), said: outcome.stderr };
        }),
      );
      // The others waited, and found it made.
      expect(
        outcomes.filter(({ said }) => said.includes("put the switch's flows right")),
      ).toHaveLength(1);
      const { leases, ports } = await soundFactsOf(fresh);
      expect(leases).toHaveLength(1);
      expect(ports.filter(({ ids }) => ids.role === "gateway")).toHaveLength(1);
      expect(fresh.ovs.vsctl("list-br").trim()).toBe("sp0");
      if (round === 1) await eachReached(outcomes);
      await deleteAll(fresh, containers);
      await assertNothingLeft([fresh]);
    }
  });
});

test("DEL and ADD one upon the other, 12 at once: the new links work", patient, async () => {
  // The switch comes to know of both at once, and remembers things of the old link.
  const containers = containersOf(node, 12);
  let attached = await addAll(node, containers);
  for (let round = 1; round <= 20; round += 1) {
    attached = await Promise.all(
      containers.map(async (container) => {
        await detach(node, container, conf);
        return attach(node, container, conf);
      }),
    );
    const reached = await Promise.all(attached.map(({ container }) => pingsGateway(container)));
    expect(reached).toEqual(reached.map(() => true));
  }
  await assertSound([node]);
  for (const one of attached) await check(node, one, conf);
  await deleteAll(node, containers);
  await assertNothingLeft([node]);
});

test("16 ADDs at once claim no more blocks than they fill", patient, async () => {
  // Of the first block's four addresses two can't be given, and the node has the third.
  const narrow = { ...conf, blockLength: 30 };
  const containers = containersOf(node, 16);
  const attached = await Promise.all(containers.map((one) => attach(node, one, narrow)));
  expect(new Set(attached.map(({ address }) => address)).size).toBe(16);
  const { leases } = await soundFactsOf(node);
  await eachReached(attached);
  expect(leases).toHaveLength(5);
  await deleteAll(node, containers);
  await assertNothingLeft([node]);
});

test("what a small network has is given, and no more", patient, async () => {
  // Six usable addresses, of which one is the gateway's and one the node's own.
  const small = { ...conf, subnet: "10.2.0.0/29" };
  const containers = containersOf(node, 8);
  const add = (container: Container) => node.cni({ command: "ADD", conf: small, container });
  for (let round = 1; round <= 5; round += 1) {
    const outcomes = await Promise.all(containers.map(add));
    expect(outcomes.map(codeOf).sort()).toEqual([0, 0, 0, 0, 102, 102, 102, 102]);
    const addresses = outcomes
      .flatMap((outcome, index) => {
        const container = containers[index];
        return container && outcome.status === 0 ? [attachedBy(container, outcome).address] : [];
      })
      .sort();
    expect(addresses).toEqual(["10.2.0.3", "10.2.0.4", "10.2.0.5", "10.2.0.6"]);
    await assertSound([node]);
    await deleteAll(node, containers);
    await assertNothingLeft([node]);
  }
});

test("ADD, DEL and ADD of one attachment: one has won whole", { timeout: 600_000 }, async () => {
  const container = node.addContainer();
  const neighbour = await attach(node, node.addContainer(), conf);
  const call = (command: CniCall["command"]): Promise<CniOutcome> =>
    node.cni({ command, conf, container });
  const seen = { attached: 0, absent: 0 };
  for (let round = 1; round <= 100; round += 1) {
    const [first, deleted, second] = await Promise.all([call("ADD"), call("DEL"), call("ADD")]);
    done("DEL", deleted);
    const adds = [first, second];
    expect(adds.map(codeOf).filter((code) => code !== 0 && code !== 103)).toEqual([]);
    const { inner } = await soundFactsOf(node);
    const there = inner.find(({ containerId }) => containerId === container.id);
    if (there === undefined) seen.absent += 1;
    else {
      seen.attached += 1;
      const winner = adds
        .filter(({ status }) => status === 0)
        .map((outcome) => attachedBy(container, outcome))
        .find(({ address }) => there.addresses.includes(address));
      if (winner === undefined) throw new Error("It has an address that no result told");
      await check(node, winner, conf);
      expect(await ping(neighbour.container.netns, winner.address)).toBe(true);
    }
    done("DEL", await call("DEL"));
  }
  expect(seen.attached).toBeGreaterThan(0);
  await detach(node, neighbour.container, conf);
  await assertNothingLeft([node]);
});

test("ADDs while their network is deleted: it goes whole, or stays", patient, async () => {
  const random = seeded(2);
  const containers = containersOf(node, 4);
  for (let round = 1; round <= 5; round += 1) {
    const adding = containers.map(async (container) => {
      // The operator's command takes longer to start.
      await sleep(20 + random.below(100));
      return node.cni({ command: "ADD", conf, container });
    });
    const deleting = node.socketplane("network", "delete", "web");
    const outcomes = await Promise.all(adding);
    await deleting;
    // It was there, and then no longer.
    for (const outcome of outcomes) expect(codeOf(outcome)).toBeOneOf([0, 100]);
    await assertSound([node]);
    for (const [index, container] of containers.entries()) {
      if (outcomes[index]?.status === 0) expect(await pingsGateway(container)).toBe(true);
    }
    await deleteAll(node, containers);
    await assertNothingLeft([node]);
  }
});

test("two networks in one container, at once", patient, async () => {
  const db = { ...conf, name: "db", subnet: "10.3.0.0/16" };
  const container = node.addContainer();
  const others = await Promise.all([web(), data()]);
  for (let round = 1; round <= 10; round += 1) {
    const [first, second] = await Promise.all([
      attach(node, container, conf),
      attach(node, container, db, { ifname: "net1" }),
    ]);
    await assertSound([node]);
    await check(node, first, conf);
    await check(node, second, db, { ifname: "net1" });
    for (const { address } of others) expect(await ping(container.netns, address)).toBe(true);
    const routes = await must({ netns: container.netns, argv: ["ip", "route"] });
    expect(routes.match(/^default /gm)).toHaveLength(1);
    await Promise.all([
      detach(node, container, conf),
      detach(node, container, db, { ifname: "net1" }),
    ]);
  }
  const [there, thereToo] = others;
  await detach(node, there.container, conf);
  await detach(node, thereToo.container, db);
  await assertNothingLeft([node]);

  function web() {
    return attach(node, node.addContainer(), conf);
  }
  function data() {
    return attach(node, node.addContainer(), db);
  }
});

const pingsGateway = ({ netns }: Container): Promise<boolean> => ping(netns, "10.2.0.1");

/** Each is reached by its neighbour, and one of them with more than an echo. */
async function eachReached(attached: readonly Attached[]): Promise<void> {
  for (const [index, { address, container }] of attached.entries()) {
    const neighbour = attached[(index + 1) % attached.length];
    if (neighbour === undefined) throw new Error("Cannot ask a neighbour: there is none");
    const reached = await ping(neighbour.container.netns, address);
    expect({ address, reached }).toEqual({ address, reached: true });
    if (index > 0) continue;
    const way = { from: neighbour.container.netns, to: container.netns, address };
    expect(await transfer(way)).toMatchObject({ received: 100_000 });
  }
}
