/** The agent and the firewall: what is on this node, what others did to our rules, and theirs. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Agent, startAgent } from "../lab/agent.ts";
import { attach, detach } from "../lab/attach.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { Container, LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { until } from "../lab/until.ts";

// Of a /28 a block has 4 addresses: the gateway's, the node's, and two more.
const small = {
  cniVersion: "1.1.0",
  name: "small",
  type: "socketplane",
  subnet: "10.4.0.0/28",
  subnet6: "fd00:4::/64",
};

let lab: Lab;
let node: LabNode;
let agent: Agent;
let container: Container;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  agent = await startAgent(lab, node);
  ({ container } = await attach(node, node.addContainer(), small));
});
afterEach(() => lab.close());

const nft = (...argv: readonly string[]) => must({ netns: node.netns, argv: ["nft", ...argv] });
const table = ["inet", "socketplane"];
const elementsOf = async (set: string) => {
  const shown = await nft("list", "set", ...table, set);
  const found = /elements = \{([^}]*)\}/.exec(shown)?.[1] ?? "";
  return found.split(",").map((one) => one.trim());
};
/** Has it look at everything now, as once a minute. */
const hurry = () => agent.kill("SIGHUP");

const awaitBlocks = (...blocks: readonly string[]) =>
  until(`that ${blocks} are here`, async () => `${await elementsOf("local4")}` === `${blocks}`);

test("a block that it claims ahead, or gives back, is known to the firewall", async () => {
  await awaitBlocks("10.4.0.0/30", "10.4.0.4/30");
  expect(await elementsOf("local6")).toEqual(["fd00:4::a04:0/126", "fd00:4::a04:4/126"]);
  const more = [];
  for (let count = 0; count < 4; count += 1) {
    more.push(await attach(node, node.addContainer(), small));
  }
  await awaitBlocks("10.4.0.0/30", "10.4.0.4/30", "10.4.0.8/30");
  for (const one of more) await detach(node, one.container, small);
  hurry();
  await awaitBlocks("10.4.0.0/30", "10.4.0.4/30");
  await detach(node, container, small);
  await assertNothingLeft([node]);
});

test("rules that others took away are put back", async () => {
  await awaitBlocks("10.4.0.0/30", "10.4.0.4/30");
  const before = await nft("list", "table", ...table);
  await nft("flush", "chain", ...table, "postrouting");
  hurry();
  await until("our rules", async () => (await nft("list", "table", ...table)) === before);
});

test("a firewall of others that drops what is forwarded is named, once", async () => {
  const chain = "{ type filter hook forward priority 0; policy drop; }";
  await nft("add", "table", "ip", "filter");
  await nft("add", "chain", "ip", "filter", "FORWARD", chain);
  hurry();
  await agent.says(/another firewall drops.*ip filter FORWARD/);
  const metric = "socketplane_forwarding_dropped_by_others";
  const tells = async (value: number) =>
    (await agent.ask("/metrics"))?.includes(`${metric} ${value}`) === true;
  await until("the metric", () => tells(1));
  hurry();
  await nft("delete", "table", "ip", "filter");
  hurry();
  await until("the metric", () => tells(0));
  const { stderr } = await agent.stop();
  expect(stderr.match(/another firewall drops/g)).toHaveLength(1);
});
