/**
 * Every key of the store, made and parsed here alone.
 *
 * Addresses are hex digits of a fixed width, so that keys sort as addresses do; in dotted form
 * .128 would come before .64. Names are percent-encoded, so that none can leave its place.
 */
import { hexOfIp4, type Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import { last4, type Prefix4, prefix4Of } from "../net/prefix.ts";

export type VtepAddress =
  | { readonly family: 4; readonly address: Ip4 }
  | { readonly family: 6; readonly address: Ip6 };

/** What a key says. */
export type KeyParts =
  | { readonly kind: "network"; readonly network: string }
  | { readonly kind: "vni"; readonly vni: number }
  | { readonly kind: "vtep"; readonly vtep: VtepAddress }
  | { readonly kind: "mac"; readonly network: string; readonly mac: Mac }
  | { readonly kind: "node"; readonly node: string }
  | { readonly kind: "lease"; readonly network: string; readonly prefix: Prefix4 }
  | { readonly kind: "session"; readonly node: string }
  | { readonly kind: "token"; readonly id: string }
  | { readonly kind: "entrance"; readonly node: string }
  | { readonly kind: "question"; readonly node: string; readonly id: string }
  | { readonly kind: "answer"; readonly id: string }
  | { readonly kind: "assignment"; readonly network: string; readonly address: Ip4 };

/** Keys, and what all keys of a kind begin with (for Store.range and Store.watch). */
export interface Keys {
  /** What every key of ours begins with. */
  readonly all: string;
  /** The name of the store's content. */
  readonly cluster: string;
  /** Marks a transaction that was sent as done; for some minutes. */
  readonly attempt: (token: string) => string;
  readonly networks: string;
  readonly network: (name: string) => string;
  readonly vnis: string;
  readonly vni: (vni: number) => string;
  readonly vteps: string;
  readonly vtep: (vtep: VtepAddress) => string;
  readonly macs: (network: string) => string;
  readonly mac: (network: string, mac: Mac) => string;
  readonly nodes: string;
  readonly node: (name: string) => string;
  /** Of all networks. */
  readonly leases: string;
  readonly leasesOf: (network: string) => string;
  readonly lease: (network: string, prefix: Prefix4) => string;
  /** The keys of all leases, of whatever length, whose first address lies in `prefix`. */
  readonly leasesWithin: (
    network: string,
    prefix: Prefix4,
  ) => { readonly from: string; readonly to: string };
  readonly sessions: string;
  readonly session: (node: string) => string;
  /** What others may join the cluster with. */
  readonly tokens: string;
  readonly token: (id: string) => string;
  /** Where nodes are that take others in, and renew their certificates. */
  readonly entrances: string;
  readonly entrance: (node: string) => string;
  /** What a node's agent is asked; for some seconds. */
  readonly questions: (node: string) => string;
  readonly question: (node: string, id: string) => string;
  readonly answer: (id: string) => string;
  /** Of all networks. */
  readonly allAssignments: string;
  readonly assignments: (network: string) => string;
  readonly assignment: (network: string, address: Ip4) => string;
  /** What a key says; undefined if it is none of ours. */
  readonly parse: (key: string) => KeyParts | undefined;
}

/** The keys under a prefix: "/socketplane/v1" gives "/socketplane/v1/networks/web". */
export function keysUnder(prefix: string): Keys {
  const stem = prefix.replace(/\/+$/, "");
  const all = stem === "" ? "" : `${stem}/`;
  const of = (...parts: readonly string[]) => all + parts.map(encodeURIComponent).join("/");
  const below = (...parts: readonly string[]) => `${of(...parts)}/`;
  return {
    all,
    cluster: of("cluster"),
    attempt: (token) => of("attempts", token),
    networks: below("networks"),
    network: (name) => of("networks", name),
    vnis: below("vnis"),
    vni: (vni) => of("vnis", String(vni)),
    vteps: below("vteps"),
    vtep: (vtep) => of("vteps", hexOfVtep(vtep)),
    macs: (network) => below("macs", network),
    mac: (network, mac) => of("macs", network, mac.toString(16).padStart(12, "0")),
    nodes: below("nodes"),
    node: (name) => of("nodes", name),
    leases: below("leases"),
    leasesOf: (network) => below("leases", network),
    lease: (network, prefix) => of("leases", network, formatLease(prefix)),
    leasesWithin: (network, prefix) => ({
      from: of("leases", network, `${hexOfIp4(prefix.base)}-`),
      // "." is the character after "-": past every length of the last address.
      to: of("leases", network, `${hexOfIp4(last4(prefix))}.`),
    }),
    sessions: below("sessions"),
    session: (node) => of("sessions", node),
    tokens: below("tokens"),
    token: (id) => of("tokens", id),
    entrances: below("entrances"),
    entrance: (node) => of("entrances", node),
    questions: (node) => below("questions", node),
    question: (node, id) => of("questions", node, id),
    answer: (id) => of("answers", id),
    allAssignments: below("assignments"),
    assignments: (network) => below("assignments", network),
    assignment: (network, address) => of("assignments", network, hexOfIp4(address)),
    parse: (key) => (key.startsWith(all) ? parseBelow(key.slice(all.length)) : undefined),
  };
}

function parseBelow(key: string): KeyParts | undefined {
  const parts = key.split("/").map(decoded);
  const [kind, first, second] = parts;
  if (first === undefined || parts.includes(undefined) || parts.length > 3) return undefined;
  return second === undefined ? parsePair(kind, first) : parseTriple(kind, first, second);
}

function parsePair(kind: string | undefined, name: string): KeyParts | undefined {
  switch (kind) {
    case "networks":
      return { kind: "network", network: name };
    case "nodes":
      return { kind: "node", node: name };
    case "sessions":
      return { kind: "session", node: name };
    case "tokens":
      return { kind: "token", id: name };
    case "entrances":
      return { kind: "entrance", node: name };
    case "answers":
      return { kind: "answer", id: name };
    case "vnis":
      return /^(0|[1-9]\d{0,7})$/.test(name) ? { kind: "vni", vni: Number(name) } : undefined;
    case "vteps": {
      const vtep = vtepOfHex(name);
      return vtep === undefined ? undefined : { kind: "vtep", vtep };
    }
    default:
      return undefined;
  }
}

function parseTriple(kind: string | undefined, of: string, name: string): KeyParts | undefined {
  switch (kind) {
    case "macs":
      return isHex(name, 12)
        ? { kind: "mac", network: of, mac: Number.parseInt(name, 16) as Mac }
        : undefined;
    case "leases": {
      const prefix = parseLease(name);
      return prefix === undefined ? undefined : { kind: "lease", network: of, prefix };
    }
    case "assignments":
      return isHex(name, 8)
        ? { kind: "assignment", network: of, address: ip4OfHex(name) }
        : undefined;
    case "questions":
      return { kind: "question", node: of, id: name };
    default:
      return undefined;
  }
}

/** 10.2.0.64/26 is "0a020040-26"; two digits of length, so that they sort as well. */
const formatLease = (prefix: Prefix4): string =>
  `${hexOfIp4(prefix.base)}-${String(prefix.length).padStart(2, "0")}`;

function parseLease(text: string): Prefix4 | undefined {
  const [hex = "", length = "", ...rest] = text.split("-");
  if (!isHex(hex, 8) || !/^\d{2}$/.test(length) || Number(length) > 32 || rest.length > 0) {
    return undefined;
  }
  const base = ip4OfHex(hex);
  const prefix = prefix4Of(base, Number(length));
  return prefix.base === base ? prefix : undefined;
}

/** 192.0.2.1 is "c0000201"; 32 digits for IPv6. */
export const hexOfVtep = (vtep: VtepAddress): string =>
  vtep.family === 4 ? hexOfIp4(vtep.address) : vtep.address.toString(16).padStart(32, "0");

export function vtepOfHex(text: string): VtepAddress | undefined {
  if (isHex(text, 8)) return { family: 4, address: ip4OfHex(text) };
  return isHex(text, 32) ? { family: 6, address: BigInt(`0x${text}`) as Ip6 } : undefined;
}

const isHex = (text: string, digits: number): boolean =>
  text.length === digits && /^[0-9a-f]+$/.test(text);

const ip4OfHex = (text: string): Ip4 => Number.parseInt(text, 16) as Ip4;

/** Undefined for what encodeURIComponent never makes: a second spelling is another key. */
function decoded(part: string): string | undefined {
  try {
    const name = decodeURIComponent(part);
    return name !== "" && encodeURIComponent(name) === part ? name : undefined;
  } catch {
    return undefined;
  }
}
