/** What one attachment is to be, as data: pure, so that ADD makes it and CHECK compares with it. */
import type { Assignment } from "../ipam/assignment.ts";
import type { Network } from "../ipam/network.ts";
import type { Ip6 } from "../net/ip6.ts";
import { ip6Of, linkLocal } from "../net/mac.ts";
import type { SwitchAttachment } from "../overlay/state.ts";
import type { Change, LinkAddress, Netns, Route } from "../sys/kernel.ts";
import { outerName } from "./names.ts";
import type { AttachmentRow } from "./rows.ts";

/** A route asked for by the configuration; without `via` it goes to the gateway. */
export type WantedRoute =
  | (Omit<Extract<Route, { family: 4 }>, "index"> & { readonly family: 4 })
  | (Omit<Extract<Route, { family: 6 }>, "index"> & { readonly family: 6 });

export interface AttachmentPlan {
  readonly assignment: Assignment;
  readonly network: Network;
  readonly outer: string;
  readonly inner: string;
  /** Bytes. */
  readonly mtu: number;
  readonly address6: Ip6 | undefined;
  /** The container's addresses, link-local one included. */
  readonly addresses: readonly LinkAddress[];
  /** Default routes through the gateway, one for each family in use. */
  readonly defaultRoutes: readonly WantedRoute[];
  readonly routes: readonly WantedRoute[];
  /** The kernel's boot id. */
  readonly boot: string;
}

export function planAttachment(
  network: Network,
  assignment: Assignment,
  link: { readonly mtu: number; readonly boot: string },
  routes: readonly WantedRoute[],
): AttachmentPlan {
  const { subnet, subnet6, gateway } = network;
  const { address } = assignment;
  const address6 = subnet6 === undefined ? undefined : ip6Of(subnet6, address);
  const addresses: LinkAddress[] = [{ family: 4, address, length: subnet.length }];
  const defaultRoutes: WantedRoute[] = [{ family: 4, via: gateway }];
  if (subnet6 !== undefined && address6 !== undefined) {
    const local = ip6Of(linkLocal, address);
    addresses.push({ family: 6, address: address6, length: subnet6.length });
    addresses.push({ family: 6, address: local, length: linkLocal.length });
    defaultRoutes.push({ family: 6, via: ip6Of(subnet6, gateway) });
  }
  return {
    assignment,
    network,
    outer: outerName(assignment.id),
    inner: assignment.id.ifname,
    mtu: link.mtu,
    address6,
    addresses,
    defaultRoutes,
    routes,
    boot: link.boot,
  };
}

/** The pair, in one message: both ends or none, the inner one born in the container. */
export const createPair = (plan: AttachmentPlan, netns: Netns): Change => ({
  do: "create veth",
  // On the userspace datapath the host's kernel sees the container's frames too: an end without
  // ARP and addresses has nothing to say to them.
  outer: { name: plan.outer, mtu: plan.mtu, up: true, noArp: true, noIp6Addresses: true },
  inner: {
    name: plan.inner,
    mtu: plan.mtu,
    mac: plan.assignment.mac,
    netns,
  },
});

/** What is done to the inner end, by its index: up, addresses, and the routes asked for. */
export const configureInner = (plan: AttachmentPlan, index: number): readonly Change[] => [
  { do: "set link", index, up: true, noIp6Addresses: true },
  ...plan.addresses.map(
    // The switch computes the MAC from the address: nobody else can have it.
    (address): Change => ({ do: "add address", index, address, noDad: true }),
  ),
  ...plan.routes.map((route): Change => addRoute(plan, route, index)),
];

export function addRoute(plan: AttachmentPlan, wanted: WantedRoute, index: number): Change {
  const { subnet6, gateway } = plan.network;
  if (wanted.family === 4) {
    return { do: "add route", route: { via: gateway, ...wanted, index } };
  }
  const via = subnet6 === undefined ? {} : { via: ip6Of(subnet6, gateway) };
  return { do: "add route", route: { ...via, ...wanted, index } };
}

export const portOf = (plan: AttachmentPlan, ofport: number): SwitchAttachment => ({
  vni: plan.network.vni,
  ofport,
  address: plan.assignment.address,
  address6: plan.address6,
  mac: plan.assignment.mac,
  limits: plan.assignment.limits,
});

export const rowOf = (plan: AttachmentPlan, ofport: number): AttachmentRow => ({
  role: "attachment",
  link: plan.outer,
  id: plan.assignment.id,
  network: plan.network.name,
  address: plan.assignment.address,
  address6: plan.address6,
  mac: plan.assignment.mac,
  ofport,
  boot: plan.boot,
  limits: plan.assignment.limits,
});
