/**
 * Nodes in the store: each machine under a name and a VTEP of its own.
 *
 * A registration is known by its *create* revision. What a node claimed under an earlier one is
 * nobody's: whoever removes a node takes the record away first, and its leases after that.
 */
import type { Deadline } from "../deadline.ts";
import { isObject, parseJson } from "../json.ts";
import { formatIp4, parseIp4 } from "../net/ip4.ts";
import { formatIp6, parseIp6 } from "../net/ip6.ts";
import type { Keys, VtepAddress } from "../store/keys.ts";
import type { Entry, Revision } from "../store/store.ts";
import type { Registry } from "./networks.ts";

/** This machine, as it says of itself. */
export interface ThisNode {
  readonly name: string;
  readonly machineId: string;
  /** Undefined where there are no others: with the embedded store. */
  readonly vtep: VtepAddress | undefined;
  /** The kernel's boot id. */
  readonly boot: string;
  /** Of SocketPlane; undefined where it is not known. */
  readonly version?: string | undefined;
}

/** This machine, as it is registered. */
export interface RegisteredNode {
  readonly name: string;
  readonly createRevision: Revision;
}

export interface NodeRecord extends RegisteredNode {
  readonly machineId: string;
  readonly vtep: VtepAddress | undefined;
  readonly boot: string | undefined;
  readonly version: string | undefined;
  readonly modRevision: Revision;
}

/** All nodes, by name. One whose record can't be read is left out. */
export async function readNodes(
  registry: Registry,
  deadline: Deadline,
): Promise<ReadonlyMap<string, NodeRecord>> {
  const { entries } = await registry.store.range(registry.keys.nodes, deadline);
  const nodes = entries.map((entry) => nodeOf(registry.keys, entry));
  return new Map(nodes.filter((node) => node !== undefined).map((node) => [node.name, node]));
}

/** Undefined for what is no node's record. */
export function nodeOf(
  keys: Keys,
  { key, value, createRevision, modRevision }: Entry,
): NodeRecord | undefined {
  const parts = keys.parse(key);
  const json = parseJson(value);
  if (parts?.kind !== "node" || !isObject(json)) return undefined;
  const text = (found: unknown) => (typeof found === "string" ? found : undefined);
  const { machineId, vtep, boot, version } = json;
  return {
    name: parts.node,
    machineId: text(machineId) ?? "",
    vtep: parseVtep(text(vtep) ?? ""),
    boot: text(boot),
    version: text(version),
    createRevision,
    modRevision,
  };
}

/** The record's text. */
export function formatNode(node: Omit<ThisNode, "name">): string {
  const { machineId, vtep, boot, version } = node;
  if (vtep === undefined) return JSON.stringify({ machineId });
  return JSON.stringify({ machineId, vtep: formatVtep(vtep), version, boot });
}

export const formatVtep = (vtep: VtepAddress): string =>
  vtep.family === 4 ? formatIp4(vtep.address) : formatIp6(vtep.address);

export function parseVtep(text: string): VtepAddress | undefined {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined) return { family: 4, address: ip4 };
  const ip6 = text === "" ? undefined : parseIp6(text);
  return ip6 === undefined ? undefined : { family: 6, address: ip6 };
}

export const sameVtep = (a: VtepAddress | undefined, b: VtepAddress | undefined): boolean =>
  a?.family === b?.family && a?.address === b?.address;
