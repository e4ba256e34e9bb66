/**
 * The machine is rebooted under its containers: nobody has called for a DEL, the switch's database
 * is as it was, and all else is gone, but for a run directory that may be on a disk. Whoever comes
 * first afterwards, be it DEL, GC or the agent, leaves nothing behind.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collect, forget } from "../clients/aftermath.ts";
import { startContainerd } from "../clients/containerd.ts";
import { startPodman } from "../clients/podman.ts";
import { beginEarlierBoot, rebootMachine } from "../clients/reboot.ts";
import { list } from "../clients/samples.ts";
import { soon } from "../clients/soon.ts";
import { startAgent } from "../lab/agent.ts";
import { attach, check, detach } from "../lab/attach.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { earlierBootId, inEarlierBoot, reboot } from "../lab/reboot.ts";

let lab: Lab;
let outside: Outside;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
});
afterEach(() => lab.close());

const conf = { ...list.plugins[0], cniVersion: "1.0.0", name: list.name };
const cleaners = ["DEL", "GC", "agent"] as const;

/** Has one of them come first. */
async function clean(by: (typeof cleaners)[number], dead: readonly string[]): Promise<void> {
  const { ports } = await factsOf(node);
  const boots = ports.filter(({ ids }) => ids.role === "attachment").map(({ ids }) => ids.boot);
  expect(boots).toEqual(dead.map(() => earlierBootId));
  if (by === "DEL") for (const id of dead) await forget(node, list, id);
  else if (by === "GC") await collect(node, list);
  else {
    await startAgent(lab, node);
    await soon("the agent has put the switch right", async () => {
      const { ports } = await factsOf(node);
      return ports.every(({ ids }) => ids.role !== "attachment");
    });
  }
  await assertNothingLeft([node]);
}

const cases = cleaners.flatMap((by) => [["emptied", by] as const, ["kept", by] as const]);

describe("containers by hand", () => {
  test.each(cases)("a run directory that is %s, and then %s", async (runDirectory, by) => {
    const under = inEarlierBoot(lab);
    const dead = [node.addContainer(), node.addContainer()];
    for (const container of dead) await attach(node, container, conf, { under });
    for (const container of dead) container.remove();
    await reboot(node, runDirectory);

    await clean(
      by,
      dead.map(({ id }) => id),
    );
    const container = node.addContainer();
    const living = await attach(node, container, conf);
    await check(node, living, conf);
    await assertSound([node]);
    expect(await ping(container.netns, outside.address)).toBe(true);
    for (const one of dead) await detach(node, one, conf);
    await assertSound([node]);
    await detach(node, container, conf);
    await assertNothingLeft([node]);
  });
});

describe("containerd", () => {
  test.each(cleaners)("pods, and then %s", async (by) => {
    const containerd = await startContainerd(lab, node, list);
    await containerd.kill();
    await beginEarlierBoot(containerd.machine);
    await containerd.start();
    const dead = [await containerd.runPod("one"), await containerd.runPod("two")];
    await containerd.kill();
    await rebootMachine(containerd.machine, "emptied");

    await clean(
      by,
      dead.map(({ container }) => container.id),
    );
    await containerd.start();
    const pod = await containerd.runPod("three");
    await assertSound([node]);
    await pod.exec("ping", "-c1", "-W2", outside.address);
    // As the kubelet does with those that it finds dead.
    for (const one of dead) {
      expect(await one.isReady()).toBe(false);
      await one.stop();
      await one.remove();
    }
    await assertSound([node]);
    await pod.exec("ping", "-c1", "-W2", outside.address);
    await pod.stop();
    await pod.remove();
    await assertNothingLeft([node]);
  });
});

describe("podman", () => {
  test.each(cleaners)("containers that are started again, after %s", async (by) => {
    const podman = await startPodman(lab, node, [list]);
    await beginEarlierBoot(podman.machine);
    const [one, two] = [
      await podman.runContainer("one", "--network=web", "--restart=always"),
      await podman.runContainer("two", "--network=web"),
    ];
    const dead = [await one.container(), await two.container()];
    await rebootMachine(podman.machine, "emptied");

    await clean(
      by,
      dead.map(({ id }) => id),
    );
    // What podman's own unit does at boot.
    await podman.must("start", "--all", "--filter", "restart-policy=always");
    await one.container();
    await assertSound([node]);
    await one.exec("ping", "-c1", "-W2", outside.address);
    await podman.must("start", "two");
    await two.container();
    await assertSound([node]);
    const { web } = await two.networks();
    await one.exec("ping", "-c1", "-W2", web?.IPAddress ?? "");
    await podman.must("rm", "--force", "--time=0", "one", "two");
    await assertNothingLeft([node]);
  });
});
