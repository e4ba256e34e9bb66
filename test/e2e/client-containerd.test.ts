/** Under containerd: its CRI, as the kubelet uses it, and ctr. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collect, forget, type List } from "../clients/aftermath.ts";
import { type Containerd, startContainerd } from "../clients/containerd.ts";
import { chain, inBothFamilies, list } from "../clients/samples.ts";
import { soon } from "../clients/soon.ts";
import { witness } from "../clients/witness.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { ask, startServer } from "../lab/services.ts";

let lab: Lab;
let outside: Outside;
let node: LabNode;
let containerd: Containerd;
async function begin(conflist: List): Promise<void> {
  containerd = await startContainerd(lab, node, conflist);
}
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
});
afterEach(() => lab.close());

const attached = async () => (await factsOf(node)).taken.filter(({ name }) => name === list.name);

describe("CRI", () => {
  test("pods, from RunPodSandbox to RemovePodSandbox", async () => {
    await begin(list);
    expect(await containerd.unready()).toEqual([]);
    const one = await containerd.runPod("one");
    const two = await containerd.runPod("two");
    expect([one.address, two.address]).toEqual(["10.2.0.3", "10.2.0.4"]);
    await assertSound([node]);

    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      await from.exec("ping", "-c1", "-W2", to.address);
      await from.exec("ping", "-c1", "-W2", outside.address);
    }
    await two.exec("sh", "-c", "echo hello > /tmp/index.html && httpd -h /tmp -p 80");
    expect(await one.exec("wget", "-qO-", `http://${two.address}/`)).toBe("hello\n");

    await one.stop();
    expect(await one.isReady()).toBe(false);
    await one.remove();
    await two.exec("ping", "-c1", "-W2", "10.2.0.1");
    await two.stop();
    await assertNothingLeft([node]);
    await two.remove();
    await two.remove();
  });

  test("two addresses, ports of the host and a bandwidth, by plugins after ours", async () => {
    await begin(inBothFamilies(chain));
    const pod = await containerd.runPod("one", {
      ports: [{ host: 8080, container: 80 }],
      annotations: {
        "kubernetes.io/ingress-bandwidth": "8M",
        "kubernetes.io/egress-bandwidth": "8M",
      },
    });
    expect([pod.address, ...pod.more]).toEqual(["10.2.0.3", "fd00:2::a02:3"]);
    await assertSound([node]);
    const server = await startServer(pod.container.netns, "pod", [80]);
    lab.onClose(server.stop);
    const answers = await ask(outside.netns, {
      published: { protocol: "tcp", address: outside.node, port: 8080 },
    });
    expect(answers).toEqual({ published: `pod ${outside.address}` });
    const qdiscs = await must({ netns: node.netns, argv: ["tc", "qdisc"] });
    expect(qdiscs).toMatch(/^qdisc tbf \S+ dev spv\S+ root .* rate 8Mbit /m);
    expect(qdiscs).toMatch(/^qdisc ingress \S+ dev spv/m);

    await pod.stop();
    await assertNothingLeft([node]);
    const { links } = await factsOf(node);
    expect(links.filter((name) => name.startsWith("bwp"))).toEqual([]);
    const rules = await must({ netns: node.netns, argv: ["iptables", "-t", "nat", "-S"] });
    expect(rules).not.toContain("10.2.0.3");
    await pod.remove();
  });

  test("a bandwidth that our own plugin keeps, both ways", async () => {
    await begin(list);
    const pod = await containerd.runPod("one", {
      annotations: {
        "kubernetes.io/ingress-bandwidth": "8M",
        "kubernetes.io/egress-bandwidth": "9M",
      },
    });
    const meters = node.ovs.ofctl("dump-meters", "sp0");
    expect(meters.match(/ rate=\d+ /g)?.sort()).toEqual([" rate=8000 ", " rate=9000 "]);
    await pod.exec("ping", "-c1", "-W2", outside.address);
    await assertSound([node]);
    await pod.stop();
    await pod.remove();
    await assertNothingLeft([node]);
  });

  test("a pod whose processes were killed, and one whose namespace went with them", async () => {
    await begin(list);
    const { machine } = containerd;
    for (const name of ["killed", "deleted"]) {
      const pod = await containerd.runPod(name);
      await machine.must(["kill", "-KILL", `${pod.pid}`]);
      await soon("the pod is not ready", async () => !(await pod.isReady()));
      if (name === "deleted") {
        await machine.must(["umount", pod.netns]);
        await machine.must(["rm", pod.netns]);
      }
      await pod.stop();
      await assertNothingLeft([node]);
      await pod.remove();
    }
  });

  test("containerd killed: pods live on, and are its own again", async () => {
    await begin(list);
    const one = await containerd.runPod("one");
    await containerd.kill();
    await assertSound([node]);
    await must({ netns: one.container.netns, argv: ["ping", "-c1", "-W2", outside.address] });
    await containerd.start();
    expect(await one.isReady()).toBe(true);
    await one.exec("ping", "-c1", "-W2", outside.address);
    await one.stop();
    await assertNothingLeft([node]);
    await one.remove();
  });

  test.each([
    ["before", "DEL"],
    ["after", "GC"],
  ] as const)("containerd killed %s our ADD, and then a %s", async (moment, command) => {
    await begin(list);
    const seen = witness(containerd.machine);
    const living = await containerd.runPod("living");
    const held = seen.holdAdd(moment);
    const begun = containerd.runSandbox("lost").then(
      () => "ready",
      () => "failed",
    );
    await held.reached;
    await containerd.kill();
    expect(await begun).toBe("failed");
    const { containerId } = await held.release();
    expect(await attached()).toHaveLength(2);

    await containerd.start();
    if (command === "DEL") await forget(node, list, containerId);
    else await collect(node, list, living.container.id);
    expect(await attached()).toMatchObject([{ containerId: living.container.id }]);
    await living.exec("ping", "-c1", "-W2", outside.address);
    await living.stop();
    await assertNothingLeft([node]);
    await living.remove();
  });
});

describe("ctr run --cni", () => {
  test("gives no namespace to DEL, which leaves nothing all the same", async () => {
    await begin(list);
    const seen = witness(containerd.machine);
    const { status, stdout } = await containerd.ctrRun(
      "one",
      ...["ping", "-c1", "-W2", outside.address],
    ).outcome;
    expect(status).toBe(0);
    expect(stdout).toContain("1 packets received");
    const call = { containerId: "default-one", ifname: "eth0" };
    expect(seen.calls()).toEqual([
      { ...call, command: "ADD", netns: expect.stringMatching(/^\/proc\/\d+\/ns\/net$/) },
      { ...call, command: "DEL", netns: "" },
    ]);
    await assertNothingLeft([node]);
  });

  test("killed, with its container: a GC leaves nothing", async () => {
    await begin(list);
    const running = containerd.ctrRun("one", "sh", "-c", "echo started; sleep 1000000");
    await running.says(/started/);
    running.kill("SIGKILL");
    await running.outcome;
    const { machine } = containerd;
    await machine.must(["ctr", "tasks", "kill", "--signal", "SIGKILL", "one"]);
    await soon("the container can be removed", async () => {
      const { status } = await machine.run(["ctr", "containers", "delete", "one"]);
      return status === 0;
    });
    expect(await attached()).toHaveLength(1);
    await collect(node, list);
    await assertNothingLeft([node]);
  });
});
