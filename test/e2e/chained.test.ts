/** In one list with other plugins, before and after us. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip, must } from "../lab/run.ts";

let lab: Lab;
let node: LabNode;
let container: Container;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
});
afterEach(() => lab.close());

/** A list's plugin, and the interface it is called for. */
interface Entry {
  readonly plugin: string;
  readonly ifname?: string;
  readonly conf: object;
}

/** Runs a list as a runtime does: ADD hands results on, DEL goes backwards with the last one. */
function list(name: string, entries: readonly Entry[]) {
  const call = async (command: CniCall["command"], entry: Entry, prevResult: unknown) => {
    const { plugin, ifname = "eth0" } = entry;
    const conf = { cniVersion: "1.0.0", name, type: plugin, ...entry.conf, prevResult };
    const outcome = await node.cni({ command, plugin, ifname, container, conf });
    expect(outcome.status, `${command} of ${plugin}: ${outcome.stdout}`).toBe(0);
    return outcome.json;
  };
  return {
    add: async () => {
      let result: unknown;
      for (const entry of entries) result = (await call("ADD", entry, result)) ?? result;
      return result as {
        readonly interfaces: readonly { readonly name: string }[];
        readonly ips: readonly object[];
        readonly routes: readonly object[];
      };
    },
    /** Ours alone: Debian's bridge and tuning fail on what is not theirs, or not spelt out. */
    check: async (result: unknown) => {
      const ours = entries.find(({ plugin }) => plugin === "socketplane");
      if (ours !== undefined) await call("CHECK", ours, result);
    },
    del: async (result: unknown) => {
      for (const entry of entries.toReversed()) await call("DEL", entry, result);
    },
  };
}

test("after another plugin: its result is handed on, and its default route stays", async () => {
  const chain = list("both", [
    {
      plugin: "bridge",
      conf: {
        bridge: "br9",
        isDefaultGateway: true,
        ipam: { type: "host-local", subnet: "10.5.0.0/24", dataDir: `${node.ovs.runDir}/ipam` },
      },
    },
    { plugin: "socketplane", ifname: "net1", conf: { network: "web", subnet: "10.2.0.0/16" } },
  ]);
  const result = await chain.add();
  expect(result.interfaces.map(({ name }) => name)).toEqual([
    "br9",
    expect.stringMatching(/^veth/),
    "eth0",
    expect.stringMatching(/^spv/),
    "net1",
  ]);
  expect(result.ips).toMatchObject([
    { address: "10.5.0.2/24", interface: 2 },
    { address: "10.2.0.3/16", interface: 4 },
  ]);
  expect(result.routes).toEqual([{ dst: "0.0.0.0/0", gw: "10.5.0.1" }]);
  expect(ip("-n", container.netns, "route", "show", "default")).toMatch(
    /^default via 10\.5\.0\.1 /,
  );
  for (const gateway of ["10.5.0.1", "10.2.0.1"]) {
    expect(await ping(container.netns, gateway)).toBe(true);
  }
  await assertSound([node]);
  await chain.check(result);
  await chain.del(result);
  await chain.del(result);
  await assertNothingLeft([node]);
});

test("before another plugin: what it changes is its own", async () => {
  const chain = list("web", [
    { plugin: "socketplane", conf: { subnet: "10.2.0.0/16" } },
    { plugin: "tuning", conf: { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } } },
  ]);
  const result = await chain.add();
  const argv = ["sysctl", "-n", "net.ipv4.conf.eth0.arp_filter"];
  expect(await must({ netns: container.netns, argv })).toBe("1\n");
  expect(await ping(container.netns, "10.2.0.1")).toBe(true);
  await chain.check(result);
  await chain.del(result);
  await assertNothingLeft([node]);
});
