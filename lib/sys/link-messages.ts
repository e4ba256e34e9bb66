/** Links as rtnetlink messages: pure. Sources: rtnetlink(7), linux/if_link.h, linux/veth.h, linux/net_namespace.h. */
import { macBytes, macOfBytes } from "../net/mac.ts";
import type { Change, Link } from "./kernel.ts";
import {
  type Attribute,
  bytes,
  decodeAttributes,
  headOf,
  type Message,
  NLM_F,
  nest,
  numberOf,
  text,
  textOf,
  u8,
  u32,
} from "./netlink.ts";

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
/** -1 */
const NETNSA_NSID_NOT_ASSIGNED = 0xffffffff;
/** struct rtgenmsg: the family. */
const rtgenLength = 1;

const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  operstate: 16,
  linkinfo: 18,
  afSpec: 26,
  netNsFd: 28,
  extMask: 29,
  linkNetnsId: 37,
} as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const AF_INET6 = 10;
const IFF_UP = 0x1;
const IFF_NOARP = 0x80;
const IF_OPER_UNKNOWN = 0;
const IF_OPER_UP = 6;
/** Leaves out the counters, which are most of an answer. */
const RTEXT_FILTER_SKIP_STATS = 8;

type CreateVeth = Extract<Change, { do: "create veth" }>;
type SetLink = Extract<Change, { do: "set link" }>;

/** struct ifinfomsg: family, pad, type (16 bits), index, flags, mask of flags to change. */
const ifinfoLength = 16;

function ifinfo(fields: { index?: number; flags?: number; change?: number }): Uint8Array {
  const { index = 0, flags = 0, change = 0 } = fields;
  return new Uint8Array(Uint32Array.of(0, index, flags, change).buffer);
}

/** Both ends in one message: the inner one is nested, with the namespace it is born in. */
export function createVeth({ outer, inner }: CreateVeth): Message {
  const flags = (outer.up ? IFF_UP : 0) | (outer.noArp ? IFF_NOARP : 0);
  const peer: Attribute = {
    type: VETH_INFO_PEER,
    value: {
      head: ifinfo({}),
      attributes: [
        text(IFLA.ifname, inner.name),
        u32(IFLA.mtu, inner.mtu),
        bytes(IFLA.address, macBytes(inner.mac)),
        u32(IFLA.netNsFd, inner.netns.fd),
      ],
    },
  };
  return {
    type: RTM_NEWLINK,
    flags: NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.excl,
    head: ifinfo({ flags, change: flags }),
    attributes: [
      text(IFLA.ifname, outer.name),
      u32(IFLA.mtu, outer.mtu),
      nest(IFLA.linkinfo, [text(IFLA_INFO_KIND, "veth"), nest(IFLA_INFO_DATA, [peer])]),
    ],
  };
}

export const deleteLink = (name: string): Message => ({
  type: RTM_DELLINK,
  flags: NLM_F.request | NLM_F.ack,
  head: ifinfo({}),
  attributes: [text(IFLA.ifname, name)],
});

export function setLink({ index, up, mac, mtu }: SetLink): Message {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F.request | NLM_F.ack,
    head: ifinfo({ index, flags: up ? IFF_UP : 0, change: up === undefined ? 0 : IFF_UP }),
    attributes: [
      ...(mac === undefined ? [] : [bytes(IFLA.address, macBytes(mac))]),
      ...(mtu === undefined ? [] : [u32(IFLA.mtu, mtu)]),
    ],
  };
}

/**
 * The kernel is to make no link-local address on a link. A message of its own: the one that makes
 * the link is refused with it (EAFNOSUPPORT since Linux 6.4, ignored before), and one that also
 * sets the link up does that first.
 */
export const noIp6Addresses = (link: { index: number } | { name: string }): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F.request | NLM_F.ack,
  head: ifinfo("index" in link ? { index: link.index } : {}),
  attributes: [
    ...("name" in link ? [text(IFLA.ifname, link.name)] : []),
    nest(IFLA.afSpec, [nest(AF_INET6, [u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)])]),
  ],
});

/** Asks for one link by its name. */
export const getLink = (name: string): Message => ({
  type: RTM_GETLINK,
  flags: NLM_F.request,
  head: ifinfo({}),
  attributes: [text(IFLA.ifname, name), u32(IFLA.extMask, RTEXT_FILTER_SKIP_STATS)],
});

/** Asks for all links. */
export const listLinks = (): Message => ({
  type: RTM_GETLINK,
  flags: NLM_F.request | NLM_F.dump,
  head: ifinfo({}),
  attributes: [u32(IFLA.extMask, RTEXT_FILTER_SKIP_STATS)],
});

/** Asks for the number that the socket's namespace has for another one. */
export const getNetnsNumber = (fd: number): Message => ({
  type: RTM_GETNSID,
  flags: NLM_F.request,
  head: new Uint8Array(rtgenLength),
  attributes: [u32(NETNSA_FD, fd)],
});

/** The body of RTM_NEWNSID; undefined where it has none. */
export function decodeNetnsNumber(body: Uint8Array): number | undefined {
  const number = numberOf(decodeAttributes(body, rtgenLength).get(NETNSA_NSID));
  return number === NETNSA_NSID_NOT_ASSIGNED ? undefined : number;
}

/** What is read of a link, of some forty that there are. */
const ofLinks: readonly number[] = [
  IFLA.ifname,
  IFLA.address,
  IFLA.linkinfo,
  IFLA.operstate,
  IFLA.mtu,
  IFLA.link,
  IFLA.linkNetnsId,
];

/** The body of RTM_NEWLINK. */
export function decodeLink(body: Uint8Array): Link {
  const view = headOf(body, ifinfoLength);
  const found = decodeAttributes(body, ifinfoLength, ofLinks);
  const name = found.get(IFLA.ifname);
  const address = found.get(IFLA.address);
  const info = found.get(IFLA.linkinfo);
  const kind = info === undefined ? undefined : decodeAttributes(info).get(IFLA_INFO_KIND);
  const operstate = numberOf(found.get(IFLA.operstate)) ?? IF_OPER_UNKNOWN;
  return {
    index: view.getInt32(4, true),
    name: name === undefined ? "" : textOf(name),
    mac: address?.length === 6 ? macOfBytes(address) : undefined,
    mtu: numberOf(found.get(IFLA.mtu)) ?? 0,
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    running: operstate === IF_OPER_UP || operstate === IF_OPER_UNKNOWN,
    kind: kind === undefined ? undefined : textOf(kind),
    peerIndex: numberOf(found.get(IFLA.link)),
    peerNetns: numberOf(found.get(IFLA.linkNetnsId)),
  };
}
