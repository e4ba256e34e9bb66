/**
 * What the kernel would do with a packet: its own lookup, as `ip route get` asks for it. Nothing is
 * sent.
 *
 * Sources: rtnetlink(7), linux/rtnetlink.h, ip-route(8) "ip route get".
 */
import { type Ip4, ip4Bytes, ip4OfBytes } from "../net/ip4.ts";
import { type Ip6, ip6Bytes, ip6OfBytes } from "../net/ip6.ts";
import { AF_INET, AF_INET6 } from "./address-messages.ts";
import { type ErrnoName, errno } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { bytes, decodeAttributes, headOf, type Message, NLM_F, numberOf, u32 } from "./netlink.ts";
import { openNetlink } from "./netlink-socket.ts";
import { RTM_GETROUTE } from "./route-messages.ts";

export type RouteAddress =
  | { readonly family: 4; readonly address: Ip4 }
  | { readonly family: 6; readonly address: Ip6 };

export interface RouteQuestion {
  readonly to: RouteAddress;
  readonly from?: RouteAddress;
  /** The index of the link that it comes in by; without one it is this host's own. */
  readonly comesBy?: number;
}

export type RouteAnswer =
  | {
      /** "local": to this host itself. */
      readonly route: "unicast" | "local";
      /** Index of the link it leaves by. */
      readonly index: number;
      readonly via: RouteAddress | undefined;
      /** The address that this host would send from. */
      readonly source: RouteAddress | undefined;
    }
  /** Nowhere: there is no route, or one that refuses; or it is not forwarded, or not let in. */
  | { readonly route: "none"; readonly why: string };

const RTA = { dst: 1, src: 2, iif: 3, oif: 4, gateway: 5, prefsrc: 7, via: 18 } as const;
const NETLINK_ROUTE = 0;
const rtmsgLength = 12;
const types = new Map<number, "unicast" | "local">([
  [1, "unicast"],
  [2, "local"],
]);
/** RTN_*, which a lookup gives where it gives no errno. */
const refusals = new Map<number, string>([
  [3, "it is a broadcast address"],
  [5, "it is a multicast address"],
  [6, "a route says blackhole"],
  [7, "a route says unreachable"],
  [8, "a route says prohibit"],
]);

/** Asks the kernel of this process's network namespace. */
export function lookUpRoute(ffi: Ffi, question: RouteQuestion): RouteAnswer {
  const socket = openNetlink(ffi, NETLINK_ROUTE);
  try {
    const answer = socket.ask(routeRequest(question));
    if ("body" in answer) return decodeRouteAnswer(answer.body);
    return { route: "none", why: reasonFor(answer.errno) };
  } finally {
    socket.close();
  }
}

/** Pure. */
function routeRequest({ to, from, comesBy }: RouteQuestion): Message {
  const head = new Uint8Array(rtmsgLength);
  const length = to.family === 4 ? 32 : 128;
  head.set([to.family === 4 ? AF_INET : AF_INET6, length, from === undefined ? 0 : length]);
  return {
    type: RTM_GETROUTE,
    flags: NLM_F.request,
    head,
    attributes: [
      bytes(RTA.dst, bytesOf(to)),
      ...(from === undefined ? [] : [bytes(RTA.src, bytesOf(from))]),
      ...(comesBy === undefined ? [] : [u32(RTA.iif, comesBy)]),
    ],
  };
}

/** Pure: the body of RTM_NEWROUTE. */
function decodeRouteAnswer(body: Uint8Array): RouteAnswer {
  const view = headOf(body, rtmsgLength);
  const found = decodeAttributes(body, rtmsgLength);
  const type = view.getUint8(7);
  const route = types.get(type);
  const index = numberOf(found.get(RTA.oif));
  if (route === undefined || index === undefined) {
    return { route: "none", why: refusals.get(type) ?? `a route of type ${type}` };
  }
  const gateway = found.get(RTA.gateway);
  // Of another family: two bytes of that, then the address.
  const via = found.get(RTA.via)?.subarray(2);
  return {
    route,
    index,
    via: addressOf(gateway ?? via),
    source: addressOf(found.get(RTA.prefsrc)),
  };
}

const bytesOf = (one: RouteAddress): Uint8Array =>
  one.family === 4 ? ip4Bytes(one.address) : ip6Bytes(one.address);

function addressOf(found: Uint8Array | undefined): RouteAddress | undefined {
  if (found?.length === 4) return { family: 4, address: ip4OfBytes(found) };
  return found?.length === 16 ? { family: 6, address: ip6OfBytes(found) } : undefined;
}

/** What the kernel means by it, of a packet that it is to forward (net/ipv4/route.c). */
const reasons: readonly (readonly [ErrnoName, string])[] = [
  ["ENETUNREACH", "it has no route there"],
  ["EHOSTUNREACH", "it has no route there, or does not forward what comes by that link"],
  ["EXDEV", "its sender is none that comes by that link (rp_filter)"],
  ["EINVAL", "its sender is none that comes by that link, or the kernel refuses to route it"],
  ["EACCES", "a route says prohibit"],
];

const reasonFor = (number: number): string =>
  reasons.find(([name]) => errno(name) === number)?.[1] ??
  `the kernel refuses it (errno ${number})`;
