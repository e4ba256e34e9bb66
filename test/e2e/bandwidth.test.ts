/** The capability `bandwidth`: what a container sends and receives is limited, by the switch. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startAgent } from "../lab/agent.ts";
import { type Attached, attach, check, detach } from "../lab/attach.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { must, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { expectRefusal } from "./refusals.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const mega = 1_000_000;
/** So low that a machine under load reaches them many times over. */
const bandwidth = {
  egressRate: mega,
  egressBurst: 600_000,
  ingressRate: 3 * mega,
  ingressBurst: mega,
};
const limited = { ...conf, runtimeConfig: { bandwidth } };

let lab: Lab;
let node: LabNode;
let slow: Attached;
let other: Attached;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  slow = await attach(node, node.addContainer(), limited);
  other = await attach(node, node.addContainer(), conf);
});
afterEach(() => lab.close());

/** Megabits a second that arrive. */
async function measure(from: Attached, to: Attached, address: string, ...how: readonly string[]) {
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const server = start({
    netns: to.container.netns,
    argv: [...die, "iperf3", "--server", "--one-off", "--forceflush"],
  });
  try {
    await server.says(/listening/);
    const client = ["iperf3", "--json", "--time=2", "--omit=1", ...how, "--client", address];
    const { end } = JSON.parse(await must({ netns: from.container.netns, argv: client }));
    return (end.sum_received ?? end.sum).bits_per_second / mega;
  } finally {
    server.kill("SIGKILL");
    await server.outcome;
  }
}

const datagrams = ["--udp", "--bitrate=20M"];

/** Around a limit, which is of bytes on the wire and lets a burst pass. */
function expectAbout(rate: number, limit: number): void {
  expect(rate).toBeLessThan(1.5 * limit);
  expect(rate).toBeGreaterThan(0.3 * limit);
}

/** As ovs-ofctl shows them. */
function meters(): readonly string[] {
  const shown = node.ovs.ofctl("dump-meters", "sp0").matchAll(/rate=(\d+) burst_size=(\d+)/g);
  return Array.from(shown, ([, rate, burst]) => `${rate}/${burst}`).sort();
}
const asAsked = ["1000/600", "3000/1000"];

test("both ways, in datagrams and by TCP, and nobody else", async () => {
  await assertSound([node]);
  const third = await attach(node, node.addContainer(), conf);
  expectAbout(await measure(slow, other, other.address, ...datagrams), 1);
  expectAbout(await measure(other, slow, slow.address, ...datagrams), 3);
  // What answers is limited too, so TCP may be slower.
  expect(await measure(slow, other, other.address6 ?? "")).toBeLessThan(1.5 * 1);
  expect(await measure(other, slow, slow.address)).toBeLessThan(1.5 * 3);
  expect(await measure(other, third, third.address)).toBeGreaterThan(2 * 3);
  for (const one of [slow, other, third]) await check(node, one, conf);
  for (const { container } of [slow, other, third]) await detach(node, container, conf);
  await assertNothingLeft([node]);
});

describe("is put back", () => {
  const isLimited = async () => {
    expect(meters()).toEqual(asAsked);
    await check(node, slow, conf);
    await assertSound([node]);
    expectAbout(await measure(slow, other, other.address, ...datagrams), 1);
  };

  test("by the next ADD, when the switch was restarted", async () => {
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    expect(meters()).toEqual([]);
    await attach(node, node.addContainer(), conf);
    await isLimited();
  });

  test("by the next ADD, when its database was lost", async () => {
    node.ovs.vsctl("del-br", "sp0");
    await attach(node, node.addContainer(), conf);
    await isLimited();
  });

  test("by the next ADD, when the run directory was lost", async () => {
    rmSync(node.runDir, { recursive: true });
    node.ovs.vsctl("del-port", "sp0", "sp-web");
    await attach(node, node.addContainer(), conf);
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    await attach(node, node.addContainer(), conf);
    await isLimited();
  });

  test("by the agent, when the switch was restarted", async () => {
    await startAgent(lab, node);
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    await until("the switch has its meters", async () => meters().length === 2);
    await isLimited();
  });
});

test("CHECK finds what is limited otherwise, and what is not limited any more", async () => {
  const [id = ""] = /meter=\d+/.exec(node.ovs.ofctl("dump-meters", "sp0")) ?? [];
  const broken = 'Cannot confirm "eth0" of container';
  const checked = { ...conf, prevResult: slow.result };
  const { container } = slow;
  node.ovs.ofctl("mod-meter", "sp0", `${id},kbps,burst,band=type=drop,rate=9,burst_size=9`);
  const call = { command: "CHECK", conf: checked, container } as const;
  expectRefusal(await node.cni(call), {
    code: 104,
    says: [broken, "does not limit its bandwidth"],
  });
  node.ovs.ofctl("del-meters", "sp0");
  expectRefusal(await node.cni(call), {
    code: 104,
    says: [broken, "does not limit its bandwidth"],
  });
});

test("GC takes it away", async () => {
  const valid = { "cni.dev/valid-attachments": [] };
  expect(await node.cni({ command: "GC", conf: { ...conf, ...valid } })).toMatchObject({
    status: 0,
  });
  expect(meters()).toEqual([]);
  await assertNothingLeft([node]);
});

test("a burst without a rate is refused; without a burst, it is a second's worth", async () => {
  const asking = (asked: object) => ({ ...conf, runtimeConfig: { bandwidth: asked } });
  const container = node.addContainer();
  const add = { command: "ADD", container } as const;
  expectRefusal(await node.cni({ ...add, conf: asking({ ingressBurst: 5 }) }), {
    code: 2,
    says: ['"runtimeConfig.bandwidth"', "ingressBurst is 5", "no ingressRate"],
  });
  await detach(node, slow.container, conf);
  await attach(node, container, asking({ IngressRate: 7 * mega }));
  expect(meters()).toEqual(["7000/7000"]);
  await detach(node, container, conf);
  await attach(node, container, asking({ ingressRate: 0, egressRate: 0 }));
  expect(meters()).toEqual([]);
});
