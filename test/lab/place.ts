/** A node of a cluster with a container and servers on it, and all the addresses that these have. */
import { setTimeout as sleep } from "node:timers/promises";
import { attach } from "./attach.ts";
import type { ClusterNode } from "./cluster.ts";
import type { Lab } from "./lab.ts";
import type { Container } from "./node.ts";
import { ping } from "./probe.ts";
import { must } from "./run.ts";
import { startServer } from "./services.ts";

export type Family = "ip" | "ip6";
type Addresses = Readonly<Record<Family, string>>;

export interface Place {
  readonly node: ClusterNode;
  readonly container: Container;
  /** The container's namespace. */
  readonly netns: string;
  /** The container's addresses. */
  readonly address: Addresses;
  /** The node's own in the container's network. */
  readonly own: Addresses;
  /** The node's on the underlay. */
  readonly vtep: Addresses;
}

/** Attaches a container, with a server called `name` in it, and one called "host-of-<name>". */
export async function placeOn(
  lab: Lab,
  node: ClusterNode,
  conf: { readonly name: string },
  server: { readonly name: string; readonly ports: readonly number[] },
): Promise<Place> {
  const { container, address, address6 = "" } = await attach(node, node.addContainer(), conf);
  const { netns } = container;
  const inside = await startServer(netns, server.name, server.ports);
  lab.onClose(inside.stop);
  const beside = await startServer(node.netns, `host-of-${server.name}`, server.ports);
  lab.onClose(beside.stop);
  return {
    node,
    container,
    netns,
    address: { ip: address, ip6: address6 },
    own: await firstAddresses(node.netns, `sp-${conf.name}`),
    vtep: await firstAddresses(node.netns, "br-phy"),
  };
}

/** The first of each family by which the host speaks, further than the link. */
async function firstAddresses(netns: string, link: string): Promise<Addresses> {
  const argv = ["ip", "-o", "address", "show", "dev", link, "scope", "global"];
  const shown = await must({ netns, argv });
  const preferred = shown.split("\n").filter((line) => !line.includes("deprecated"));
  const first = (family: string) =>
    new RegExp(` ${family} ([^/ ]+)/`).exec(preferred.join("\n"))?.[1] ?? "";
  return { ip: first("inet"), ip6: first("inet6") };
}

/** Milliseconds that nodes may take to learn of each other's first leases. */
const patienceMs = 15_000;

/** Returns when their containers reach each other, both ways. Throws an Error if they never do. */
export async function awaitPath(one: Place, two: Place): Promise<void> {
  const limit = performance.now() + patienceMs;
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const) {
    while (!(await ping(from.netns, to.address.ip))) {
      if (performance.now() > limit)
        throw new Error(`${from.netns} never reached ${to.address.ip}`);
      await sleep(100);
    }
  }
}
