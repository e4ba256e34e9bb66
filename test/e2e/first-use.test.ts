/** What a network must find on a machine before it is made there. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { attach, detach } from "../lab/attach.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const web6 = { ...web, subnet6: "fd00:2::/64" };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  // Its link ext0 has 203.0.113.1/24 and 2001:db8:9::1/64, and the default routes.
  lab.addOutside(node);
});
afterEach(() => lab.close());

const route = (...argv: readonly string[]) => ip("-n", node.netns, ...argv);
const says = (to: string) => `overlaps this machine's route to ${to} by link "ext0"`;

test.each([
  ["around it", ["route", "add", "10.0.0.0/8"], "10.0.0.0/8"],
  ["inside it", ["route", "add", "10.2.9.0/24"], "10.2.9.0/24"],
  ["in IPv6", ["-6", "route", "add", "fd00:2::/48"], "fd00:2::/48"],
])("none of the machine's own routes: %s", async (_, add, to) => {
  route(...add, "dev", "ext0");
  const line = ["network", "create", "web", "10.2.0.0/16", "--subnet6", "fd00:2::/64"];
  const typed = await node.socketplane(...line);
  expect(typed).toMatchObject({ status: 1, stdout: "" });
  expect(typed.stderr).toContain(`Cannot create network "web": its subnet ${says(to)}`);
  expect((await node.socketplane("network", "list")).json).toEqual([]);

  const container = node.addContainer();
  expectRefusal(await node.cni({ command: "ADD", conf: web6, container }), {
    code: 101,
    says: [
      `Cannot use network "web" on this node: its subnet ${says(to)}`,
      "Give it another subnet, or remove the route.",
    ],
  });
  expect((await factsOf(node)).ports).toEqual([]);
  expect((await node.socketplane("network", "list")).json).toEqual([]);
  await assertNothingLeft([node]);

  const elsewhere = { ...web6, subnet: "192.168.0.0/16", subnet6: "fd00:7::/64" };
  await attach(node, container, elsewhere);
  await assertSound([node]);
  await detach(node, container, elsewhere);
});

test("none of them, of a network that is in the store already", async () => {
  const line = ["network", "create", "web", "10.2.0.0/16"];
  expect(await node.socketplane(...line)).toMatchObject({ status: 0 });
  route("route", "add", "10.0.0.0/8", "dev", "ext0");
  const container = node.addContainer();
  expectRefusal(await node.cni({ command: "ADD", conf: web, container }), {
    code: 101,
    says: [`its subnet ${says("10.0.0.0/8")}`, "socketplane network delete web"],
  });
  await assertNothingLeft([node]);
  route("route", "del", "10.0.0.0/8", "dev", "ext0");
  await attach(node, container, web);
  await assertSound([node]);
});

test("a default route in two halves is in nobody's way", async () => {
  route("route", "add", "0.0.0.0/1", "dev", "ext0");
  route("route", "add", "128.0.0.0/1", "dev", "ext0");
  const chosen = await node.socketplane("network", "create", "chosen");
  expect(chosen).toMatchObject({ status: 0, json: { subnet: "10.1.0.0/16" } });
  expect(await node.socketplane("network", "create", "web", "10.2.0.0/16")).toMatchObject({
    status: 0,
  });
  await attach(node, node.addContainer(), web);
});

test("a network that stands stays, whatever routes come", async () => {
  const [first, second] = [node.addContainer(), node.addContainer()];
  await attach(node, first, web);
  route("route", "add", "10.0.0.0/8", "dev", "ext0");
  node.ovs.vsctl("del-port", "sp-web");
  await attach(node, second, web);
  await assertSound([node]);
});

test("an underlay with room for IPv6", async () => {
  const container = node.addContainer();
  route("link", "set", "ext0", "mtu", "1329");
  expectRefusal(await node.cni({ command: "ADD", conf: web6, container }), {
    code: 7,
    says: ["IPv6 takes an MTU of 1280, and its links have 1279", "Raise the underlay's MTU"],
  });
  expect((await node.socketplane("network", "list")).json).toEqual([]);
  await assertNothingLeft([node]);
  route("link", "set", "ext0", "mtu", "1330");
  await attach(node, container, web6);
  await assertSound([node]);
});
