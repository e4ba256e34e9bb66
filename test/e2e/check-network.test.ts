/** CHECK finds what is gone of the network itself, and makes none; the next ADD mends it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Attached, attach, check } from "../lab/attach.ts";
import { assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { expectRefusal } from "./refusals.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};

let lab: Lab;
let node: LabNode;
let one: Attached;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  one = await attach(node, node.addContainer(), conf);
  await check(node, one, conf);
});
afterEach(() => lab.close());

const checked = () =>
  node.cni({
    command: "CHECK",
    container: one.container,
    conf: { ...conf, prevResult: one.result },
  });

test.each([
  ["20, by which neighbours are found", 20, 3],
  ["30, by which frames find their way", 30, 1],
  ["35, by which they find the gateway", 35, 2],
])("the flows of table %s", async (_, table, gone) => {
  node.ovs.ofctl("del-flows", "sp0", `table=${table}`);
  expectRefusal(await checked(), {
    code: 104,
    says: [
      `Cannot confirm "eth0" of container ${one.container.id}: `,
      `the switch lacks ${gone} of the flows of network "web"`,
      "the switch lacks 1 of the flows of all networks",
    ],
  });
  const other = await attach(node, node.addContainer(), conf);
  await check(node, one, conf);
  await check(node, other, conf);
  await assertSound([node]);
  expect(await ping(one.container.netns, other.address6 ?? "")).toBe(true);
  expect(await ping(one.container.netns, other.address)).toBe(true);
});

test("the network", async () => {
  rmSync(join(node.runDir, "networks/web/cache.json"));
  rmSync(node.storeDir, { recursive: true });
  expectRefusal(await checked(), { code: 100, says: ['Cannot use network "web": there is none'] });
  expect((await node.socketplane("network", "list")).json).toEqual([]);
});
