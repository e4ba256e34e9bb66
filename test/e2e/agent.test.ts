/** The agent on one machine, with the embedded store: what it puts right, and what it leaves alone. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Agent, startAgent } from "../lab/agent.ts";
import { type Attached, attach, check, detach } from "../lab/attach.ts";
import { factsOf } from "../lab/facts.ts";
import { type Allowances, assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { reaches } from "../lab/probe.ts";
import { ip, must } from "../lab/run.ts";
import { addPairs, db, web } from "../lab/two-networks.ts";
import { until } from "../lab/until.ts";
import { seeded } from "../lib/random.ts";

let lab: Lab;
let node: LabNode;
let outside: Outside;
let agent: Agent;
let webs: readonly Attached[];
let dbs: readonly Attached[];
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  agent = await startAgent(lab, node);
  ({ webs, dbs } = await addPairs(node));
});
afterEach(() => lab.close());

const add = (conf: unknown): Promise<Attached> => attach(node, node.addContainer(), conf);

/** All that a container reaches, by all that can be in its way. */
async function areConnected(): Promise<void> {
  const ways = [
    { from: webs[0], to: webs[1]?.address },
    { from: webs[1], to: webs[0]?.address6 },
    { from: webs[0], to: "10.2.0.1" },
    { from: webs[0], to: outside.address },
    { from: webs[1], to: outside.address6 },
    { from: dbs[0], to: dbs[1]?.address },
    { from: dbs[1], to: "10.3.0.1" },
  ];
  for (const { from, to } of ways) {
    const reached = await reaches(from?.container.netns ?? "", to ?? "");
    expect({ from: from?.address, to, reached }).toMatchObject({ reached: true });
  }
}

/** As CHECK sees it. */
async function areWhole(): Promise<void> {
  for (const one of webs) await check(node, one, web);
  for (const one of dbs) await check(node, one, db);
}

async function deleteAll(allowances: Allowances = {}): Promise<void> {
  for (const { container } of webs) await detach(node, container, web);
  for (const { container } of dbs) await detach(node, container, db);
  await assertNothingLeft([node], allowances);
}

const syncs = async () => {
  const metrics = (await agent.ask("/metrics")) ?? "";
  const lines = metrics.matchAll(/^socketplane_syncs_total\{.*\} (\d+)$/gm);
  return Array.from(lines, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
};
/** Has the agent look at everything now, and waits until it has done so. */
async function hurry(): Promise<void> {
  const before = await syncs();
  agent.kill("SIGHUP");
  await until("a synchronisation", async () => (await syncs()) > before);
}

const flows = () =>
  node.ovs
    .ofctl("dump-flows", "sp0", "--no-stats")
    .split("\n")
    .filter((line) => line !== "")
    .sort();

describe("without any ADD it puts back", () => {
  test("the flows of a switch that was killed", async () => {
    const before = flows();
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    await until("the flows", () => flows().length === before.length);
    expect(flows()).toEqual(before);
    await areConnected();
    await areWhole();
    await deleteAll();
  });

  test("what a switch has taken along that was ended", async () => {
    await node.ovs.endSwitch();
    await node.ovs.startSwitch();
    await agent.says(/put a network's own port right[^\n]*sp-db/);
    await until("that it is well", () => agent.ask("/healthz"));
    await areConnected();
    await areWhole();
    expect(ip("-n", node.netns, "link", "show", "sp-web")).toContain("mtu 1300");
    await deleteAll();
  });

  test("a bridge that somebody has deleted", async () => {
    const before = flows();
    node.ovs.vsctl("del-br", "sp0");
    // It is seen in the switch's database.
    await until("the bridge", () => node.ovs.vsctl("list-br").includes("sp0"));
    // Its socket comes a little later.
    const socket = join(node.ovs.runDir, "sp0.mgmt");
    await until("the flows", () => existsSync(socket) && flows().length === before.length);
    await areConnected();
    await areWhole();
    await assertSound([node]);
    await deleteAll();
  });

  test("single flows that are gone, and none that should not be there stays", async () => {
    const before = flows();
    node.ovs.ofctl("del-flows", "sp0", "table=40");
    const [cookie] = /cookie=0x5350[0-9a-f]+/.exec(before[0] ?? "") ?? [];
    node.ovs.ofctl("add-flow", "sp0", `${cookie},table=30,priority=7,actions=flood`);
    await hurry();
    expect(flows()).toEqual(before);
    await deleteAll();
  });

  test("the firewall", async () => {
    const ruleset = async () =>
      (await must({ netns: node.netns, argv: ["nft", "list", "ruleset"] })).replace(
        /counter packets \d+ bytes \d+/g,
        "counter",
      );
    const before = await ruleset();
    await must({ netns: node.netns, argv: ["nft", "flush", "ruleset"] });
    await hurry();
    expect(await ruleset()).toBe(before);
    await areConnected();
    await deleteAll();
  });

  test("a run directory that is lost under living containers", async () => {
    // The agent may be writing there.
    rmSync(node.runDir, { recursive: true, maxRetries: 10 });
    await hurry();
    await assertSound([node]);
    webs = [...webs, await add(web)];
    expect(new Set(webs.map(({ address }) => address)).size).toBe(3);
    await areConnected();
    await assertSound([node]);
    await deleteAll();
  });
});

test("gives back what a container has left that went without a DEL", async () => {
  const [gone, ...left] = webs;
  gone?.container.remove();
  await until("its link gone", () => !ip("-n", node.netns, "link").includes(gone?.outer ?? ""));
  agent.kill("SIGHUP");
  await agent.says(/gave back what a container has left/);
  const facts = await factsOf(node);
  expect(facts.taken.map(({ address }) => address)).not.toContain(gone?.address);
  await assertSound([node]);
  // The runtime's own DEL, which comes late, finds nothing to do.
  if (gone !== undefined) await detach(node, gone.container, web);
  webs = left;
  await deleteAll();
});

describe("its end", () => {
  test("on SIGTERM changes nothing in the switch, and traffic goes on", async () => {
    const before = flows();
    const { status, signal, stderr } = await agent.stop();
    expect({ status, signal }).toEqual({ status: 0, signal: undefined });
    expect(stderr).toContain("the agent ends");
    expect(flows()).toEqual(before);
    await areConnected();
    await deleteAll();
  });

  test("by SIGKILL neither, and the next one begins where it ended", async () => {
    agent.kill("SIGKILL");
    await agent.outcome;
    const before = flows();
    await areConnected();
    webs = [...webs, await add(web)];
    agent = await startAgent(lab, node);
    expect(flows().length).toBeGreaterThan(before.length);
    await areConnected();
    await assertSound([node], { killed: true });
    await deleteAll({ killed: true });
  });
});

test("killed at any moment, again and again, it leaves nothing wrong", async () => {
  await agent.stop();
  const random = seeded(11);
  for (let round = 0; round < 8; round += 1) {
    const one = await startAgent(lab, node, { until: "started" });
    node.ovs.ofctl("del-flows", "sp0", "table=40");
    await new Promise((resolve) => setTimeout(resolve, random.below(700)));
    one.kill("SIGKILL");
    await one.outcome;
  }
  agent = await startAgent(lab, node);
  await hurry();
  await areConnected();
  await assertSound([node]);
  await deleteAll();
});

describe("its start", () => {
  test("where another one runs is refused", async () => {
    const second = await node.socketplane("agent", "run");
    expect(second.status).toBe(1);
    expect(second.stderr).toContain("Cannot run the agent: another one runs on this node");
    expect(await agent.ask("/healthz")).toContain('"ok"');
  });

  test("is explained, and one that is mistyped too", async () => {
    const { status, stdout } = await node.socketplane("agent", "run", "--help");
    expect(status).toBe(0);
    expect(stdout).toContain("SIGTERM");
    expect(stdout).toContain("socketplane agent run --config node.json");
    const mistyped = await node.socketplane("agent", "rnu");
    expect(mistyped.status).toBe(2);
    expect(mistyped.stderr).toContain('there is no command "rnu": did you mean "run"?');
  });

  test("where its port is taken is refused", async () => {
    const config = JSON.parse(readFileSync(node.config, "utf8"));
    const other = `${node.config}.other`;
    writeFileSync(other, JSON.stringify({ ...config, runDir: `${node.runDir}-other` }));
    const { status, stderr } = await node.socketplane("agent", "run", "--config", other);
    expect(status).toBe(1);
    expect(stderr).toContain("Cannot listen on 127.0.0.1:9478");
  });

  test("before there is a switch waits for that", async () => {
    await agent.stop();
    await node.ovs.killSwitch();
    agent = await startAgent(lab, node, { until: "started" });
    await agent.says(/cannot bring the switch up to date/);
    expect(await agent.ask("/healthz")).toBeUndefined();
    await node.ovs.startSwitch();
    await until("that it is well", () => agent.ask("/healthz"));
    await areConnected();
    await deleteAll();
  });
});

test("says how it is, and takes little memory", async () => {
  const metrics = (await agent.ask("/metrics")) ?? "";
  expect(metrics).toMatch(/^socketplane_switch_up 1$/m);
  expect(metrics).toMatch(/^socketplane_store_up 1$/m);
  expect(metrics).toMatch(/^socketplane_info\{version="\d.*",node="node"\} 1$/m);
  const [, kibibytes = ""] =
    /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8")) ?? [];
  expect(Number(kibibytes) / 1024).toBeLessThan(200);
  await node.ovs.killSwitch();
  await until("that it is not well", async () => (await agent.ask("/healthz")) === undefined);
  expect(await agent.ask("/metrics")).toMatch(/^socketplane_switch_up 0$/m);
});
