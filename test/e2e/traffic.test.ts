/** What works for containers, measured by more than an echo. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attached, attach, check } from "../lab/attach.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { leave } from "../lab/leave.ts";
import type { LabNode } from "../lab/node.ts";
import { link, ping, reaches, transfer } from "../lab/probe.ts";
import { must, run } from "../lab/run.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };
const small = { ...web, name: "small", subnet: "10.4.0.0/16", subnet6: "fd00:4::/64", mtu: 1290 };
const bytes = 5_000_000;

let lab: Lab;
let node: LabNode;
let outside: Outside;
let one: Attached;
let two: Attached;
let other: Attached;
let narrow: Attached;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  one = await attach(node, node.addContainer(), web);
  two = await attach(node, node.addContainer(), web);
  other = await attach(node, node.addContainer(), db);
  narrow = await attach(node, node.addContainer(), small);
});
afterAll(() =>
  leave(lab, node, [
    [web, one, two],
    [db, other],
    [small, narrow],
  ]),
);

describe("TCP passes data", () => {
  test("between containers", async () => {
    const way = { from: one.container.netns, to: two.container.netns, bytes };
    const received = { received: bytes };
    expect(await transfer({ ...way, address: two.address })).toMatchObject({
      ...received,
      from: one.address,
    });
    expect(await transfer({ ...way, address: two.address6 ?? "" })).toMatchObject({
      ...received,
      from: one.address6,
    });
  });

  test("to the world, which sees the node's address", async () => {
    const way = { from: one.container.netns, to: outside.netns, bytes };
    expect(await transfer({ ...way, address: outside.address })).toEqual({
      received: bytes,
      from: outside.node,
    });
    expect(await transfer({ ...way, address: outside.address6 })).toEqual({
      received: bytes,
      from: outside.node6,
    });
  });

  test("from the node, by its own address in the network, never the gateway's", async () => {
    const way = { from: node.netns, to: two.container.netns, bytes };
    expect(await transfer({ ...way, address: two.address })).toMatchObject({ from: "10.2.0.2" });
    expect(await transfer({ ...way, address: two.address6 ?? "" })).toMatchObject({
      from: "fd00:2::a02:2",
    });
  });

  test("to a service's address, which the host sends back into the network", async () => {
    const rules = `table ip service {
      chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 10.96.0.1 dnat to ${two.address}
      }
    }`;
    await must({ netns: node.netns, argv: ["nft", "-f", "-"], stdin: rules });
    try {
      const way = { from: one.container.netns, to: two.container.netns, bytes };
      expect(await transfer({ ...way, address: "10.96.0.1" })).toMatchObject({
        received: bytes,
      });
    } finally {
      await must({ netns: node.netns, argv: ["nft", "delete", "table", "ip", "service"] });
    }
  });
});

test("networks do not reach each other", async () => {
  expect(await reaches(one.container.netns, two.address)).toBe(true);
  expect(await ping(one.container.netns, other.address)).toBe(false);
  expect(await ping(one.container.netns, other.address6 ?? "")).toBe(false);
  expect(await ping(other.container.netns, one.address)).toBe(false);
});

describe("IPv6", () => {
  test("is usable when ADD has ended: no address is tentative", async () => {
    const { netns } = one.container;
    const argv = ["ip", "-6", "address", "show", "dev", "eth0"];
    const shown = await must({ netns, argv });
    expect(shown).toContain("inet6 fd00:2::a02:3/64");
    expect(shown.match(/inet6 fe80::/g)).toHaveLength(1);
    expect(shown).not.toMatch(/tentative|dadfailed/);
  });

  test("resolves link-local addresses, which are made by the same rule", async () => {
    expect(await ping(one.container.netns, "fe80::a02:4%eth0")).toBe(true);
    expect(await ping(one.container.netns, "fe80::a02:2%eth0")).toBe(true);
    expect(await ping(one.container.netns, "fd00:2::a02:1")).toBe(true);
  });
});

describe("the MTU leaves room for VXLAN", () => {
  const mtus = async (attached: Attached, gateway: string) => {
    const { interfaces } = attached.result as { interfaces: readonly { mtu: number }[] };
    const links = await Promise.all([
      link(attached.container.netns, "eth0"),
      link(node.netns, attached.outer),
      link(node.netns, gateway),
    ]);
    return [...interfaces, ...links].map((found) => found?.mtu);
  };
  /** Whether an echo of so many bytes, IP header included, passes in one piece. */
  const passes = async (attached: Attached, address: string, length: number) => {
    const argv = ["ping", "-n", "-c1", "-W1", "-M", "do", "-s", `${length - 28}`, address];
    return (await run({ netns: attached.container.netns, argv })).status === 0;
  };

  test("by default, on every link and in the result", async () => {
    expect(await mtus(one, "sp-web")).toEqual([1450, 1450, 1450, 1450, 1450]);
    expect(await passes(one, two.address, 1450)).toBe(true);
    expect(await passes(one, two.address, 1451)).toBe(false);
  });

  test("as configured", async () => {
    expect(await mtus(narrow, "sp-small")).toEqual([1290, 1290, 1290, 1290, 1290]);
    await check(node, narrow, small);
    const way = { from: narrow.container.netns, to: outside.netns, bytes };
    expect(await transfer({ ...way, address: outside.address })).toMatchObject({
      received: bytes,
    });
  });
});
