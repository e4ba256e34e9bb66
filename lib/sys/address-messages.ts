/**
 * Addresses and neighbours as rtnetlink messages: pure.
 *
 * Sources: rtnetlink(7), linux/if_addr.h, linux/neighbour.h.
 */
import { type Ip4, ip4Bytes, ip4OfBytes } from "../net/ip4.ts";
import { type Ip6, ip6Bytes, ip6OfBytes } from "../net/ip6.ts";
import { macBytes, macOfBytes } from "../net/mac.ts";
import type { Change, KnownNeighbour, LinkAddress, Neighbour } from "./kernel.ts";
import { bytes, decodeAttributes, headOf, type Message, NLM_F, u32, viewOf } from "./netlink.ts";

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

export const AF_INET = 2;
export const AF_INET6 = 10;

const IFA = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
/** A lifetime without an end, seconds. */
const INFINITY_LIFE_TIME = 0xffffffff;
/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
const ifaddrLength = 8;

const NDA = { dst: 1, lladdr: 2 } as const;
const NUD = {
  none: 0,
  reachable: 2,
  stale: 4,
  delay: 8,
  probe: 0x10,
  noarp: 0x40,
  permanent: 0x80,
};
const NTF_USE = 0x01;

type Address = Extract<Change, { do: "add address" | "delete address" }>;
type NeighbourChange = Extract<Change, { do: "add neighbour" | "delete neighbour" }>;

/** The number of an address's family, and its bytes. */
function familyOf(one: { family: 4; address: Ip4 } | { family: 6; address: Ip6 }): {
  readonly af: number;
  readonly address: Uint8Array;
} {
  return one.family === 4
    ? { af: AF_INET, address: ip4Bytes(one.address) }
    : { af: AF_INET6, address: ip6Bytes(one.address) };
}

export function changeAddress(change: Address): Message {
  const { af, address } = familyOf(change.address);
  const head = new Uint8Array(ifaddrLength);
  head.set([af, change.address.length]);
  viewOf(head).setUint32(4, change.index, true);
  const both = [bytes(IFA.local, address), bytes(IFA.address, address)];
  if (change.do === "delete address")
    return { type: RTM_DELADDR, flags: NLM_F.request | NLM_F.ack, head, attributes: both };
  const flags = (change.noDad ? IFA_F_NODAD : 0) | (change.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0);
  // struct ifa_cacheinfo: preferred and valid lifetime, then two times that only the kernel sets.
  const lifetimes = new Uint8Array(Uint32Array.of(0, INFINITY_LIFE_TIME, 0, 0).buffer);
  return {
    type: RTM_NEWADDR,
    flags: NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.excl,
    head,
    attributes: [
      ...both,
      ...(flags === 0 ? [] : [u32(IFA.flags, flags)]),
      ...(change.deprecated ? [bytes(IFA.cacheInfo, lifetimes)] : []),
    ],
  };
}

/** Asks for all addresses of all links. */
export const listAddresses = (): Message => ({
  type: RTM_GETADDR,
  flags: NLM_F.request | NLM_F.dump,
  head: new Uint8Array(ifaddrLength),
  attributes: [],
});

/** The body of RTM_NEWADDR; undefined for a family other than IPv4 and IPv6. */
export function decodeAddress(
  body: Uint8Array,
): { readonly index: number; readonly address: LinkAddress } | undefined {
  const view = headOf(body, ifaddrLength);
  const [family, length] = [view.getUint8(0), view.getUint8(1)];
  const index = view.getUint32(4, true);
  const found = decodeAttributes(body, ifaddrLength);
  // On a link with a peer address, IFA_ADDRESS is the peer's.
  const local = found.get(IFA.local) ?? found.get(IFA.address);
  if (local === undefined) return undefined;
  if (family === AF_INET)
    return { index, address: { family: 4, address: ip4OfBytes(local), length } };
  if (family === AF_INET6)
    return { index, address: { family: 6, address: ip6OfBytes(local), length } };
  return undefined;
}

export function changeNeighbour({ do: what, index, neighbour }: NeighbourChange): Message {
  const add = what === "add neighbour";
  return {
    type: add ? RTM_NEWNEIGH : RTM_DELNEIGH,
    flags: NLM_F.request | NLM_F.ack | (add ? NLM_F.create | NLM_F.replace : 0),
    head: neighbourHead(neighbour, index, NUD.permanent, 0),
    attributes: [
      bytes(NDA.dst, familyOf(neighbour).address),
      bytes(NDA.lladdr, macBytes(neighbour.mac)),
    ],
  };
}

/** Asks for one neighbour; ENOENT if there is none. */
export const getNeighbour = (index: number, neighbour: Neighbour): Message =>
  neighbourMessage(
    RTM_GETNEIGH,
    NLM_F.request,
    neighbourHead(neighbour, index, NUD.none, 0),
    neighbour,
  );

/**
 * Has the kernel ask for a neighbour, by what RTM_NEWNEIGH says of it; undefined for one that is
 * set for good, and would not be any more.
 */
export function probeNeighbour(
  index: number,
  neighbour: Neighbour,
  known: Uint8Array | undefined,
): Message | undefined {
  const state = known === undefined ? NUD.none : stateIn(known);
  if ((state & (NUD.permanent | NUD.noarp)) !== 0) return undefined;
  // Without a MAC there is nothing to be confirmed: as if a packet were to be sent.
  const head = hasMac(state)
    ? neighbourHead(neighbour, index, NUD.probe, 0)
    : neighbourHead(neighbour, index, NUD.none, NTF_USE);
  const flags = NLM_F.request | NLM_F.ack | (hasMac(state) ? NLM_F.replace : NLM_F.create);
  return neighbourMessage(RTM_NEWNEIGH, flags, head, neighbour);
}

/** The body of RTM_NEWNEIGH; undefined while nobody has answered. */
export function decodeNeighbour(body: Uint8Array): KnownNeighbour | undefined {
  const state = stateIn(body);
  const mac = decodeAttributes(body, ndmsgLength).get(NDA.lladdr);
  const isConfirmed = (state & (NUD.reachable | NUD.permanent)) !== 0;
  if (mac?.length !== 6 || !(isConfirmed || hasMac(state))) return undefined;
  return { mac: macOfBytes(mac), isConfirmed };
}

const stateIn = (known: Uint8Array): number => headOf(known, ndmsgLength).getUint16(8, true);

const hasMac = (state: number): boolean =>
  (state & (NUD.reachable | NUD.stale | NUD.delay | NUD.probe)) !== 0;

const neighbourMessage = (
  type: number,
  flags: number,
  head: Uint8Array,
  neighbour: Neighbour,
): Message => ({ type, flags, head, attributes: [bytes(NDA.dst, familyOf(neighbour).address)] });

/** struct ndmsg: family, padding, index, state (16 bits), flags, type. */
const ndmsgLength = 12;

function neighbourHead(
  neighbour: Neighbour,
  index: number,
  state: number,
  flags: number,
): Uint8Array {
  const head = new Uint8Array(ndmsgLength);
  const view = viewOf(head);
  view.setUint8(0, familyOf(neighbour).af);
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  view.setUint8(10, flags);
  return head;
}
