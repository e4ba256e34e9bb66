/**
 * Changes as rtnetlink requests, and what to say when one is refused: pure.
 *
 * Sources: rtnetlink(7).
 */
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6, type Ip6 } from "../net/ip6.ts";
import { changeAddress, changeNeighbour } from "./address-messages.ts";
import type { Attempt, ErrnoName } from "./errno.ts";
import type { Change, Route } from "./kernel.ts";
import { createVeth, deleteLink, noIp6Addresses, setLink } from "./link-messages.ts";
import type { Message } from "./netlink.ts";
import { changeRoute } from "./route-messages.ts";

export interface Request {
  readonly message: Message;
  /** Put into words when it is refused, not before. */
  readonly attempt: () => Attempt;
  /** A refusal that means that there is nothing to do. */
  readonly forgives?: ErrnoName;
}

/** The messages that make a change, in their order. */
export function requestsOf(change: Change): readonly Request[] {
  const attempt = () => {
    const [action = ""] = change.do.split(" ", 1);
    return { action, subject: subjectOf(change), call: calls[change.do] };
  };
  const request = { message: messageOf(change), attempt };
  // No such address family: without IPv6 (or with an MTU too small for it) there are no addresses.
  const forgives = "EAFNOSUPPORT";
  if (change.do === "create veth" && change.outer.noIp6Addresses) {
    const { name } = change.outer;
    const after = () => ({ action: "set", subject: `link "${name}"`, call: "RTM_NEWLINK" });
    return [request, { message: noIp6Addresses({ name }), attempt: after, forgives }];
  }
  if (change.do === "set link" && change.noIp6Addresses)
    return [{ message: noIp6Addresses(change), attempt, forgives }, request];
  return [request];
}

const calls: Readonly<Record<Change["do"], string>> = {
  "create veth": "RTM_NEWLINK",
  "delete link": "RTM_DELLINK",
  "set link": "RTM_NEWLINK",
  "add address": "RTM_NEWADDR",
  "delete address": "RTM_DELADDR",
  "add route": "RTM_NEWROUTE",
  "delete route": "RTM_DELROUTE",
  "add neighbour": "RTM_NEWNEIGH",
  "delete neighbour": "RTM_DELNEIGH",
};

function messageOf(change: Change): Message {
  switch (change.do) {
    case "create veth":
      return createVeth(change);
    case "delete link":
      return deleteLink(change.name);
    case "set link":
      return setLink(change);
    case "add address":
    case "delete address":
      return changeAddress(change);
    case "add route":
    case "delete route":
      return changeRoute(change);
    case "add neighbour":
    case "delete neighbour":
      return changeNeighbour(change);
  }
}

function subjectOf(change: Change): string {
  switch (change.do) {
    case "create veth":
      return `links "${change.outer.name}" and "${change.inner.name}" in ${change.inner.netns.path}`;
    case "delete link":
      return `link "${change.name}"`;
    case "set link":
      return `link ${change.index}`;
    case "add address":
    case "delete address":
      return `address ${addressText(change.address)}/${change.address.length} of link ${change.index}`;
    case "add route":
    case "delete route":
      return `route ${routeText(change.route)}`;
    case "add neighbour":
    case "delete neighbour":
      return `neighbour ${addressText(change.neighbour)} of link ${change.index}`;
  }
}

const routeText = (route: Route): string =>
  route.family === 4 ? textOfRoute(route, formatIp4) : textOfRoute(route, formatIp6);

function textOfRoute<T>(route: RouteOf<T>, format: (address: T) => string): string {
  const { to, via, index } = route;
  const prefix = to === undefined ? "default" : `${format(to.base)}/${to.length}`;
  return `${prefix}${via === undefined ? "" : ` via ${format(via)}`} on link ${index}`;
}

interface RouteOf<T> {
  readonly to?: { readonly base: T; readonly length: number };
  readonly via?: T;
  readonly index: number;
}

const addressText = (one: { family: 4; address: Ip4 } | { family: 6; address: Ip6 }): string =>
  one.family === 4 ? formatIp4(one.address) : formatIp6(one.address);
