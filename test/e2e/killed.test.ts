/**
 * kill -9 at any point of a command, then DEL: nothing is left, and all begins anew.
 *
 * The points are the command's own deeds, as strace saw them (test/lab/deeds.ts); pure reads are
 * left out, since before and after one of them the world is the same.
 */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { codeOf, done } from "../lab/attach.ts";
import { type Deed, deedsOf, dyingBefore } from "../lab/deeds.ts";
import { leasesIn } from "../lab/facts.ts";
import { assertNothingLeft, assertSound, soundFactsOf } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip, must } from "../lab/run.ts";
import { seeded } from "../lib/random.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const gateway = "10.2.0.1";
const killed = { killed: true } as const;

let lab: Lab;
let node: LabNode;
let container: Container;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
});
afterEach(() => lab.close());

const cni = (command: CniCall["command"], more: Partial<CniCall> = {}) =>
  node.cni({ command, conf, container, ...more });

/** Runs one that must succeed. */
async function succeed(command: CniCall["command"]): Promise<void> {
  const { status, stdout } = await cni(command);
  if (status !== 0) throw new Error(`${command} failed: ${stdout}`);
}

test("of a first ADD, which makes network, bridge and gateway", { timeout: 600_000 }, async () => {
  const { deeds, outcome } = await deedsOf(node, { command: "ADD", conf, container });
  expect(outcome).toMatchObject({ status: 0 });
  expect(deeds.length).toBeGreaterThan(60);

  const faults = await atEach(deeds, async (deed) => {
    await forgetAll();
    await dieBefore("ADD", deed);
    await succeed("DEL");
    await assertNothingLeft([node], killed);
    await wholeLife();
    // What the killed one had claimed was found and not claimed again.
    expect(leasesIn(await node.readStore())).toHaveLength(1);
  });
  expect(faults).toEqual([]);
});

test("of a first ADD that begins the node's own address: the network can go", {
  timeout: 600_000,
}, async () => {
  const { deeds } = await deedsOf(node, { command: "ADD", conf, container });
  const own = deeds.filter(({ shown }) => shown.includes("@node:web"));
  expect(own.length).toBeGreaterThan(3);

  const faults = await atEach(own, async (deed) => {
    await forgetAll();
    await dieBefore("ADD", deed);
    await succeed("DEL");
    done("network delete", await node.socketplane("network", "delete", "web"));
    await assertNothingLeft([node], killed);
    expect(leasesIn(await node.readStore())).toEqual([]);
    await wholeLife();
  });
  expect(faults).toEqual([]);
});

test("of an ADD on a node in use", { timeout: 600_000 }, async () => {
  const neighbour = node.addContainer();
  expect(await cni("ADD", { container: neighbour })).toMatchObject({ status: 0 });
  const { deeds } = await deedsOf(node, { command: "ADD", conf, container });
  await succeed("DEL");
  expect(deeds.length).toBeGreaterThan(20);

  const faults = await atEach(deeds, async (deed) => {
    await dieBefore("ADD", deed);
    await succeed("DEL");
    await assertOnly(neighbour);
    await wholeLife();
    await assertOnly(neighbour);
  });
  expect(faults).toEqual([]);
});

test("of a DEL", { timeout: 600_000 }, async () => {
  await succeed("ADD");
  const { deeds } = await deedsOf(node, { command: "DEL", conf, container });
  expect(deeds.length).toBeGreaterThan(8);

  const faults = await atEach(deeds, async (deed) => {
    await succeed("ADD");
    await dieBefore("DEL", deed);
    await succeed("DEL");
    await assertNothingLeft([node], killed);
    await wholeLife();
  });
  expect(faults).toEqual([]);
});

test("of an ADD or a DEL, and another ADD without a DEL before it", {
  timeout: 600_000,
}, async () => {
  await succeed("ADD");
  await succeed("DEL");
  const added = await deedsOf(node, { command: "ADD", conf, container });
  const deleted = await deedsOf(node, { command: "DEL", conf, container });
  const ask = async () => {
    // What is there still is refused, as it should be; what is not is made whole.
    const code = codeOf(await cni("ADD"));
    expect(code).toBeOneOf([0, 103, 105]);
    if (code === 0) await assertSound([node], killed);
    await succeed("DEL");
    await assertNothingLeft([node], killed);
  };
  const faults = await atEach(added.deeds, async (deed) => {
    await dieBefore("ADD", deed);
    await ask();
  });
  const more = await atEach(deleted.deeds, async (deed) => {
    await succeed("ADD");
    await dieBefore("DEL", deed);
    await ask();
  });
  expect([...faults, ...more]).toEqual([]);
});

test("of an ADD, at 100 random moments", { timeout: 600_000 }, async () => {
  await succeed("ADD");
  await succeed("DEL");
  const began = performance.now();
  await succeed("ADD");
  const usual = performance.now() - began;
  await succeed("DEL");

  const random = seeded(20_261_121);
  const faults: string[] = [];
  for (let round = 0; round < 100; round += 1) {
    const after = (random.below(1000) / 1000) * 1.5 * usual;
    const running = node.startCni({ command: "ADD", conf, container });
    await sleep(after);
    running.kill("SIGKILL");
    await running.outcome;
    try {
      await succeed("DEL");
      await assertNothingLeft([node], killed);
      if (round % 10 === 9) await wholeLife();
    } catch (fault) {
      faults.push(`after ${after.toFixed(1)} ms: ${fault}`);
    }
  }
  expect(faults).toEqual([]);
});

/** Runs `body` for every deed and gives what went wrong at which. */
async function atEach(
  deeds: readonly Deed[],
  body: (deed: Deed) => Promise<void>,
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const deed of deeds) {
    try {
      await body(deed);
    } catch (fault) {
      faults.push(`killed before ${deed.shown.slice(0, 200)}: ${fault}`);
    }
  }
  return faults;
}

async function dieBefore(command: CniCall["command"], deed: Deed): Promise<void> {
  const { signal, status } = await cni(command, { under: dyingBefore(deed) });
  // A child that has done its work by then is not waited for: there is no such moment.
  if (deed.call === "wait4" && status === 0) return;
  expect({ signal, status }).toEqual({ signal: "SIGKILL", status: undefined });
}

/** ADD and DEL as if nothing had happened. */
async function wholeLife(): Promise<void> {
  await succeed("ADD");
  await assertSound([node], killed);
  expect(await ping(container.netns, gateway)).toBe(true);
  await succeed("DEL");
}

/** Nothing is there but one container, and that is whole. */
async function assertOnly({ id, netns }: Container): Promise<void> {
  const { taken } = await soundFactsOf(node, killed);
  expect(taken.map(({ containerId }) => containerId).sort()).toEqual([id, "web"].sort());
  expect(await ping(netns, gateway)).toBe(true);
}

/** Makes the node as one that has never seen us. */
async function forgetAll(): Promise<void> {
  for (const folder of [node.runDir, node.storeDir]) {
    rmSync(folder, { recursive: true, force: true });
  }
  const { netns } = node;
  const forwarding = ["net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"];
  await Promise.all([
    node.ovs.asked.vsctl("--if-exists", "del-br", "sp0"),
    must({ netns, argv: ["nft", "flush", "ruleset"] }),
    must({ netns, argv: ["sysctl", "-qw", ...forwarding] }),
  ]);
  for (const link of JSON.parse(ip("-n", netns, "-j", "link"))) {
    if (link.ifname.startsWith("spv")) ip("-n", netns, "link", "delete", link.ifname);
  }
}
