/**
 * Addresses: networks, leases of blocks in the store, assignments of addresses on the node.
 *
 * Invariants: leases of different nodes never overlap (a claim's transaction proves it); an
 * address is one file, made by link(2), so it is never given twice; the network address, the
 * broadcast address and the gateway are never given; the same attachment asking again gets the
 * same address; an address given back rests before it is given again (round robin).
 * Why: with a block held, ADD asks nobody; no lock on the common path, no half-written record.
 */

import { Failure } from "../errors.ts";
import { collectFaults } from "../faults.ts";
import { isObject } from "../json.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { ip6Of } from "../net/mac.ts";
import {
  contains4,
  formatPrefix4,
  formatPrefix6,
  last4,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from "../net/prefix.ts";
import { isName } from "../text.ts";

/** Which addresses are given dynamically, both ends included. */
export interface Range {
  readonly first: Ip4;
  readonly last: Ip4;
}

/** A named L2/L3 domain. */
export interface Network {
  readonly name: string;
  readonly subnet: Prefix4;
  /** At most /96 long: a container's IPv6 address ends in its IPv4 address. */
  readonly subnet6: Prefix6 | undefined;
  readonly gateway: Ip4;
  readonly range: Range;
  /** Prefix length of the blocks that nodes lease. Fixed while the network has leases. */
  readonly blockLength: number;
  /** VXLAN network identifier, 1 to 2^24 - 1. */
  readonly vni: number;
  /** Bytes; undefined: the underlay's less what VXLAN adds. */
  readonly mtu: number | undefined;
  /** Masquerade what leaves the network's subnets. */
  readonly masquerade: boolean;
  /** Networks whose containers reach its own, and the other way round; absent where it is apart. */
  readonly allowed?: readonly string[] | undefined;
  /** Nothing of it is claimed or given any more. */
  readonly deleting?: true | undefined;
}

/** What a new network is asked to be; what is undefined gets a default. */
export interface NetworkSpec {
  readonly name: string;
  readonly subnet: Prefix4;
  readonly subnet6?: Prefix6 | undefined;
  readonly gateway?: Ip4 | undefined;
  readonly range?: Range | undefined;
  readonly blockLength?: number | undefined;
  readonly vni?: number | undefined;
  readonly mtu?: number | undefined;
  readonly masquerade?: boolean | undefined;
}

/** 64 nodes even in a small subnet; no block over 64 addresses. */
export const defaultBlockLength = (subnet: Prefix4): number =>
  Math.min(Math.max(subnet.length + 6, 26), 30);

const firstUsable = (subnet: Prefix4): Ip4 => (subnet.base + 1) as Ip4;

/** The addresses of a subnet that hosts may have: without network and broadcast address. */
export const usable = (subnet: Prefix4): Range => ({
  first: firstUsable(subnet),
  last: (last4(subnet) - 1) as Ip4,
});

export const maxVni = 2 ** 24 - 1;

/** Names become folders, keys and links: SPEC.md 1.1.0's pattern for names, bounded. */
export const parseNetworkName = (text: string): string | undefined =>
  isName(text, 63) ? text : undefined;

/** 10.2.0.64/26, or 10.2.0.10-10.2.0.99. */
export function parseRange(text: string): Range | undefined {
  const prefix = parsePrefix4(text);
  if (prefix !== undefined) return { first: prefix.base, last: last4(prefix) };
  const [first, last, ...rest] = text.split("-").map((end) => parseIp4(end.trim()));
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  return first <= last ? { first, last } : undefined;
}

export const formatRange = (range: Range): string =>
  `${formatIp4(range.first)}-${formatIp4(range.last)}`;

/**
 * A spec with its defaults filled in, under a VNI. Throws Failure "invalid-config" naming every
 * fault: a subnet that is too small, a gateway or range outside of it.
 */
export function completeNetwork(spec: NetworkSpec, vni: number): Network {
  const faults = collectFaults();
  const { subnet } = spec;
  const text = formatPrefix4(subnet);
  const blockLength = spec.blockLength ?? defaultBlockLength(subnet);
  if (subnet.length > 29) {
    faults.add(`subnet ${text} is too small: the smallest is a /29`);
  } else if (blockLength < subnet.length || blockLength > 30) {
    faults.add(`blockLength ${blockLength} must be from ${subnet.length} to 30`);
  }
  if (subnet.length < 8) faults.add(`subnet ${text} is too large: the largest is a /8`);
  if (spec.subnet6 !== undefined && spec.subnet6.length > 96) {
    faults.add(
      `subnet6 ${formatPrefix6(spec.subnet6)} is too small: it must hold an IPv4 address, so at most /96`,
    );
  }
  const whole = usable(subnet);
  const gateway = spec.gateway ?? whole.first;
  const asked = spec.range ?? whole;
  const range = trim(asked, subnet);
  // Of a subnet that is too small, nothing else is worth saying.
  if (subnet.length <= 29) {
    if (gateway < whole.first || gateway > whole.last) {
      faults.add(`gateway ${formatIp4(gateway)} is not a usable address of ${text}`);
    }
    if (!contains4(subnet, asked.first) || !contains4(subnet, asked.last)) {
      faults.add(`ipRange ${formatRange(asked)} is not inside ${text}`);
    } else if (!hasAddress(range, gateway)) {
      faults.add(`ipRange ${formatRange(asked)} has no address to give`);
    }
  }
  faults.settle("invalid-config", `Cannot use network "${spec.name}"`);
  return {
    name: spec.name,
    subnet,
    subnet6: spec.subnet6,
    gateway,
    range,
    blockLength,
    vni,
    mtu: spec.mtu,
    masquerade: spec.masquerade ?? true,
  };
}

/** Whether a range has more than the gateway, if that. */
const hasAddress = ({ first, last }: Range, gateway: Ip4): boolean =>
  first < last || (first === last && first !== gateway);

/** A range without the network's and the broadcast address. */
export function trim(range: Range, subnet: Prefix4): Range {
  const { first, last } = usable(subnet);
  return {
    first: Math.max(range.first, first) as Ip4,
    last: Math.min(range.last, last) as Ip4,
  };
}

/** The record as it is stored and shown; keys as the original tool's, and more. */
export function describe(network: Network): Readonly<Record<string, unknown>> {
  return {
    gateway: formatIp4(network.gateway),
    id: network.name,
    subnet: formatPrefix4(network.subnet),
    vni: network.vni,
    ...(network.subnet6 !== undefined && {
      subnet6: formatPrefix6(network.subnet6),
      gateway6: formatIp6(ip6Of(network.subnet6, network.gateway)),
    }),
    ipRange: formatRange(network.range),
    blockLength: network.blockLength,
    ...(network.mtu !== undefined && { mtu: network.mtu }),
    masquerade: network.masquerade,
    ...(network.allowed !== undefined && { allowed: network.allowed }),
    ...(network.deleting && { deleting: true }),
  };
}

/** Reads a stored record. Throws Failure "store-refused" if it is not one. */
export function parseNetwork(json: unknown, where: string): Network {
  const faults = collectFaults();
  const record = faults.object(isObject(json) ? json : {}, "");
  const subnet = record.parsed("subnet", "an IPv4 prefix", parsePrefix4);
  const vni = record.integer("vni", 1, maxVni);
  const spec = {
    name: record.parsed("id", "a network name", parseNetworkName),
    subnet6: record.parsed("subnet6", "an IPv6 prefix", parsePrefix6),
    gateway: record.parsed("gateway", "an IPv4 address", parseIp4),
    range: record.parsed("ipRange", "a range of addresses", parseRange),
    blockLength: record.integer("blockLength", 8, 30),
    mtu: record.integer("mtu", 576, 65535),
    masquerade: record.flag("masquerade"),
  };
  for (const key of ["id", "subnet", "vni"]) if (!record.has(key)) record.fault(key, "is missing");
  const allowed = (record.list("allowed") ?? []).filter(isNetworkName);
  if (faults.any() || subnet === undefined || vni === undefined || spec.name === undefined) {
    throw new Failure("store-refused", `Cannot read ${where}: ${faults.list().join("; ")}`);
  }
  const network = completeNetwork({ ...spec, name: spec.name, subnet }, vni);
  return {
    ...network,
    ...(allowed.length > 0 && { allowed }),
    ...(record.flag("deleting") === true && { deleting: true }),
  };
}

const isNetworkName = (value: unknown): value is string =>
  typeof value === "string" && parseNetworkName(value) !== undefined;
