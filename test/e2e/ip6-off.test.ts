/** Dual stack on machines, and in containers, where IPv6 is switched off for new links. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { attach, check, detach } from "../lab/attach.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { must } from "../lab/run.ts";

const ip4Only = { cniVersion: "1.1.0", name: "plain", type: "socketplane", subnet: "10.3.0.0/16" };
const web = { ...ip4Only, name: "web", subnet: "10.2.0.0/16", subnet6: "fd00:2::/64" };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

const sysctl = async (netns: string, ...argv: readonly string[]) =>
  (await must({ netns, argv: ["sysctl", "-n", ...argv] })).trim();
const switchOff = (netns: string) =>
  sysctl(netns, "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
const isOff = async (netns: string, link: string) =>
  (await sysctl(netns, `net.ipv6.conf.${link}.disable_ipv6`)) === "1";

test("the container's link and the network's have it on, and no other", async () => {
  const container = node.addContainer();
  await switchOff(node.netns);
  await switchOff(container.netns);
  const attached = await attach(node, container, web);
  expect(await ping(container.netns, "fd00:2::a02:1")).toBe(true);
  await check(node, attached, web);
  expect(await isOff(node.netns, "sp-web")).toBe(false);
  expect(await isOff(node.netns, "lo")).toBe(true);
  expect(await isOff(container.netns, "eth0")).toBe(false);
  expect(await isOff(container.netns, "lo")).toBe(true);
  await assertSound([node]);
  await detach(node, container, web);
  await assertNothingLeft([node]);
});

test("it stays off for a network without IPv6", async () => {
  const container = node.addContainer();
  await switchOff(node.netns);
  await switchOff(container.netns);
  await attach(node, container, ip4Only);
  expect(await ping(container.netns, "10.3.0.1")).toBe(true);
  expect(await isOff(node.netns, "sp-plain")).toBe(true);
  expect(await isOff(container.netns, "eth0")).toBe(true);
  await detach(node, container, ip4Only);
  await assertNothingLeft([node]);
});
