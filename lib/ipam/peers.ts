/**
 * The other nodes' leases of a network, as this node's switch is to know them.
 *
 * They are a file of their own beside the cache, which has only how many they are and a digest: an
 * ADD reads that, and the leases themselves only when flows have to be put in.
 */
import type { Dir } from "../dir.ts";
import { isObject, parseJson } from "../json.ts";
import type { Mac } from "../net/mac.ts";
import type { Prefix4 } from "../net/prefix.ts";
import { hexOfVtep, type VtepAddress, vtepOfHex } from "../store/keys.ts";
import type { PoolDirs } from "./assignments.ts";
import { isOf, type Lease } from "./leases.ts";
import type { NodeRecord } from "./nodes.ts";

/** A lease of another node, and where that node's VXLAN traffic comes from and goes to. */
export interface PeerLease {
  readonly prefix: Prefix4;
  readonly vtep: VtepAddress;
  /** Of a single address whose MAC was asked for. */
  readonly mac?: Mac;
}

/** What tells one set of peer leases from another. */
export interface Peers {
  readonly count: number;
  /** Of the digests of all, by exclusive or: with one lease more or less, it is one step on. */
  readonly digest: number;
}

/** 32 bits of all that the lease says. */
export function digestOf({ prefix, vtep, mac }: PeerLease): number {
  const { family, address } = vtep;
  const words =
    family === 4
      ? [address]
      : [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffff_ffffn));
  const given = mac === undefined ? [] : [Math.floor(mac / 2 ** 32), mac % 2 ** 32];
  return [prefix.base, prefix.length, family, ...words, ...given].reduce(mixed, 0);
}

export const peersOf = (leases: readonly PeerLease[]): Peers => ({
  count: leases.length,
  digest: leases.reduce((digest, lease) => (digest ^ digestOf(lease)) >>> 0, 0),
});

/**
 * The leases of others among `leases`. One that has no node any more, or an earlier registration of
 * its node, is nobody's.
 */
export function peerLeases(
  leases: readonly Lease[],
  own: string,
  nodes: ReadonlyMap<string, NodeRecord>,
): readonly PeerLease[] {
  return leases.flatMap((lease): readonly PeerLease[] => {
    const { prefix, mac } = lease;
    const node = lease.node === own ? undefined : nodes.get(lease.node);
    const vtep = node !== undefined && isOf(lease, node) ? node.vtep : undefined;
    if (vtep === undefined) return [];
    return [mac === undefined ? { prefix, vtep } : { prefix, vtep, mac }];
  });
}

/** As the network's cache says them last; none where nothing is written. */
export function readPeers(dirs: PoolDirs, network: string): readonly PeerLease[] {
  const folder = dirs.networks.open(network);
  const text = folder?.read(peersName);
  folder?.close();
  return parsePeers(text ?? "");
}

/** Into the network's folder, under its lock, and before the cache: what that says is here. */
export const writePeers = (folder: Dir, leases: readonly PeerLease[]): void =>
  folder.replace(peersName, formatPeers(leases));

const peersName = "peers.json";

/** What another version wrote is not read. */
const version = 1;

type Row = readonly [base: number, length: number, vtep: string, mac?: number];

function formatPeers(leases: readonly PeerLease[]): string {
  const rows = leases.map(({ prefix, vtep, mac }): Row => {
    const { base, length } = prefix;
    const text = hexOfVtep(vtep);
    return mac === undefined ? [base, length, text] : [base, length, text, mac];
  });
  return JSON.stringify({ version, rows });
}

/** None of them where one is not of the form that they are written in. */
function parsePeers(text: string): readonly PeerLease[] {
  const json = parseJson(text);
  if (!isObject(json) || json.version !== version) return [];
  if (!Array.isArray(json.rows) || !json.rows.every(isRow)) return [];
  const vteps = new Map<string, VtepAddress | undefined>();
  return json.rows.flatMap(([base, length, text, mac]) => {
    if (!vteps.has(text)) vteps.set(text, vtepOfHex(text));
    const vtep = vteps.get(text);
    const prefix = { base, length } as Prefix4;
    if (vtep === undefined) return [];
    return [mac === undefined ? { prefix, vtep } : { prefix, vtep, mac: mac as Mac }];
  });
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row)) return false;
  const [base, length, vtep, mac] = row as readonly unknown[];
  return (
    Number.isSafeInteger(base) &&
    Number.isSafeInteger(length) &&
    typeof vtep === "string" &&
    (mac === undefined || Number.isSafeInteger(mac))
  );
}

/** MurmurHash3's finalizer, after each word: every bit of it reaches every bit of the digest. */
function mixed(digest: number, word: number): number {
  let value = Math.imul(digest ^ word, 0x9e3779b1) ^ (digest >>> 7);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
