/** Routes as rtnetlink messages: pure. Sources: rtnetlink(7), linux/rtnetlink.h. */
import { ip4Bytes, ip4OfBytes } from "../net/ip4.ts";
import { ip6Bytes, ip6OfBytes } from "../net/ip6.ts";
import { AF_INET, AF_INET6 } from "./address-messages.ts";
import type { Change, Route, RouteOptions } from "./kernel.ts";
import {
  bytes,
  decodeAttributes,
  headOf,
  type Message,
  NLM_F,
  nest,
  numberOf,
  u32,
} from "./netlink.ts";

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;

const RTA = {
  dst: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  metrics: 8,
  multipath: 9,
  table: 15,
} as const;
const RTAX = { mtu: 2, advmss: 8 } as const;
const RT_TABLE_UNSPEC = 0;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTPROT_UNSPEC = 0;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
/** In a deletion: whatever its scope. */
const RT_SCOPE_NOWHERE = 255;
const RTN_UNSPEC = 0;
const RTN_UNICAST = 1;
const RTM_F_CLONED = 0x200;

/** struct rtmsg: family, two prefix lengths, TOS, table, protocol, scope, type; flags. */
const rtmsgLength = 12;
/** struct rtnexthop: length (16 bits), flags, hops, index. */
const nexthopLength = 8;

type RouteChange = Extract<Change, { do: "add route" | "delete route" }>;

export function changeRoute({ do: what, route }: RouteChange): Message {
  const { options = {} } = route;
  const add = what === "add route";
  const { af, to, via } = encoded(route);
  const table = options.table ?? RT_TABLE_MAIN;
  const head = new Uint8Array(rtmsgLength);
  head.set([
    af,
    route.to?.length ?? 0,
    0,
    0,
    table < 256 ? table : RT_TABLE_UNSPEC,
    add ? RTPROT_BOOT : RTPROT_UNSPEC,
    options.scope ?? (add ? usualScope(route) : RT_SCOPE_NOWHERE),
    add ? RTN_UNICAST : RTN_UNSPEC,
  ]);
  const metrics = [
    ...(options.mtu === undefined ? [] : [u32(RTAX.mtu, options.mtu)]),
    ...(options.advmss === undefined ? [] : [u32(RTAX.advmss, options.advmss)]),
  ];
  return {
    type: add ? RTM_NEWROUTE : RTM_DELROUTE,
    flags: NLM_F.request | NLM_F.ack | (add ? NLM_F.create | NLM_F.excl : 0),
    head,
    attributes: [
      ...(to === undefined ? [] : [bytes(RTA.dst, to)]),
      ...(via === undefined ? [] : [bytes(RTA.gateway, via)]),
      u32(RTA.oif, route.index),
      u32(RTA.table, table),
      ...(options.priority === undefined ? [] : [u32(RTA.priority, options.priority)]),
      ...(metrics.length === 0 ? [] : [nest(RTA.metrics, metrics)]),
    ],
  };
}

function encoded(route: Route) {
  return route.family === 4
    ? {
        af: AF_INET,
        to: given(route.to, ({ base }) => ip4Bytes(base)),
        via: given(route.via, ip4Bytes),
      }
    : {
        af: AF_INET6,
        to: given(route.to, ({ base }) => ip6Bytes(base)),
        via: given(route.via, ip6Bytes),
      };
}

const given = <T, R>(value: T | undefined, then: (value: T) => R): R | undefined =>
  value === undefined ? undefined : then(value);

/** As ip-route(8) chooses it: what has no gateway is on the link. IPv6 knows no scopes. */
const usualScope = (route: Route): number =>
  route.family === 4 && route.via === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;

/** Asks for all routes of both families, in all tables. */
export const listRoutes = (): Message => ({
  type: RTM_GETROUTE,
  flags: NLM_F.request | NLM_F.dump,
  head: new Uint8Array(rtmsgLength),
  attributes: [],
});

/**
 * The body of RTM_NEWROUTE; undefined for what is no unicast route, and for those of the kernel's
 * own table. Its options name the table, unless it is the main one.
 */
export function decodeRoute(body: Uint8Array): Route | undefined {
  const view = headOf(body, rtmsgLength);
  const found = decodeAttributes(body, rtmsgLength);
  const table = numberOf(found.get(RTA.table)) ?? view.getUint8(4);
  const cloned = (view.getUint32(8, true) & RTM_F_CLONED) !== 0;
  if (view.getUint8(7) !== RTN_UNICAST || table === RT_TABLE_LOCAL || cloned) return undefined;
  const hop = firstHop(found);
  if (hop === undefined) return undefined;
  const options = optionsOf(found, table, view.getUint8(6));
  const rest = { index: hop.index, ...(options === undefined ? {} : { options }) };
  const family = view.getUint8(0);
  const length = view.getUint8(1);
  const to = found.get(RTA.dst);
  if (family === AF_INET)
    return {
      family: 4,
      ...(length === 0 ? {} : { to: { base: ip4OfBytes(to ?? new Uint8Array(4)), length } }),
      ...(hop.via === undefined ? {} : { via: ip4OfBytes(hop.via) }),
      ...rest,
    };
  if (family === AF_INET6)
    return {
      family: 6,
      ...(length === 0 ? {} : { to: { base: ip6OfBytes(to ?? new Uint8Array(16)), length } }),
      ...(hop.via === undefined ? {} : { via: ip6OfBytes(hop.via) }),
      ...rest,
    };
  return undefined;
}

/** Where the route leads: of several next hops, the first. */
function firstHop(found: ReadonlyMap<number, Uint8Array>) {
  const index = numberOf(found.get(RTA.oif));
  if (index !== undefined) return { index, via: found.get(RTA.gateway) };
  const hops = found.get(RTA.multipath);
  if (hops === undefined) return undefined;
  const view = headOf(hops, nexthopLength);
  const hop = hops.subarray(0, view.getUint16(0, true));
  return {
    index: view.getInt32(4, true),
    via: decodeAttributes(hop, nexthopLength).get(RTA.gateway),
  };
}

function optionsOf(
  found: ReadonlyMap<number, Uint8Array>,
  table: number,
  scope: number,
): RouteOptions | undefined {
  const metrics = decodeAttributes(found.get(RTA.metrics) ?? new Uint8Array());
  const options = Object.entries({
    mtu: numberOf(metrics.get(RTAX.mtu)),
    advmss: numberOf(metrics.get(RTAX.advmss)),
    priority: numberOf(found.get(RTA.priority)),
    table: table === RT_TABLE_MAIN ? undefined : table,
    scope: scope === RT_SCOPE_UNIVERSE ? undefined : scope,
  }).filter(([, value]) => value !== undefined);
  return options.length === 0 ? undefined : Object.fromEntries(options);
}
