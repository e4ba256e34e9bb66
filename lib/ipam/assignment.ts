/**
 * An assignment: one address given to one attachment, as it is written on the node.
 *
 * One file holds it, under up to three names (hard links): `owners/<attachment>`, which is made
 * first and removed last, so that a DEL always finds what its ADD had begun; `ports/<number>`; and
 * the address in its block's folder. That last link is what makes the address taken.
 */

import { collectFaults } from "../faults.ts";
import { shortName } from "../hash.ts";
import { isObject, parseJson } from "../json.ts";
import { formatLimits, type Limits, parseLimits } from "../limits.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import { formatMac, type Mac, parseMac } from "../net/mac.ts";
import { formatPrefix4, type Prefix4, parsePrefix4 } from "../net/prefix.ts";
import { bytesOfText } from "../text.ts";

/** One interface of one container, in one CNI network. */
export interface AttachmentId {
  /** The CNI configuration's `name`: several may share one network. */
  readonly name: string;
  readonly containerId: string;
  readonly ifname: string;
}

export interface Assignment {
  readonly id: AttachmentId;
  readonly network: string;
  /** The folder of the block it is from. */
  readonly block: string;
  readonly address: Ip4;
  readonly mac: Mac;
  /** OpenFlow port number on this node; undefined where there is no port (plain IPAM). */
  readonly ofport: number | undefined;
  /** What the runtime said of the workload, for people. */
  readonly workload: Readonly<Record<string, string>>;
  readonly limits?: Limits | undefined;
}

const longestFileName = 255;

/** The attachment's file name: readable, and unique because the parts can't hold ':'. */
export function ownerName(id: AttachmentId): string {
  const name = `${id.name}:${id.containerId}:${id.ifname}`;
  // Room for the temporary name's marks.
  const limit = longestFileName - 16;
  if (bytesOfText(name).length <= limit) return name;
  return `${name.slice(0, limit / 4)}:${shortName(name)}`;
}

export const sameAttachment = (a: AttachmentId, b: AttachmentId): boolean =>
  a.name === b.name && a.containerId === b.containerId && a.ifname === b.ifname;

export function formatAssignment(assignment: Assignment): string {
  const { id, address, mac, limits, ...rest } = assignment;
  const texts = { address: formatIp4(address), mac: formatMac(mac) };
  return `${JSON.stringify({ ...id, ...texts, ...rest, limits: limits && formatLimits(limits) })}\n`;
}

/** Reads an assignment's file; undefined if it is not whole (its writer was killed). */
export function parseAssignment(text: string): Assignment | undefined {
  const json = parseJson(text);
  if (!isObject(json)) return undefined;
  const record = collectFaults().object(json, "");
  const name = record.text("name");
  const containerId = record.text("containerId");
  const ifname = record.text("ifname");
  const network = record.text("network");
  const block = record.text("block");
  const address = parseIp4(record.text("address") ?? "");
  const mac = parseMac(record.text("mac") ?? "");
  if (name === undefined || containerId === undefined || ifname === undefined) return undefined;
  if (network === undefined || block === undefined) return undefined;
  if (address === undefined || mac === undefined) return undefined;
  const workload = record.raw("workload") ?? {};
  if (!isTexts(workload)) return undefined;
  return {
    id: { name, containerId, ifname },
    network,
    block,
    address,
    mac,
    ofport: record.integer("ofport", 1, 0xfeff),
    workload,
    ...(json.limits !== undefined && { limits: parseLimits(json.limits) }),
  };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (!isObject(value)) return false;
  for (const key of Object.keys(value)) if (typeof value[key] !== "string") return false;
  return true;
}

/** A block's folder: its prefix, and the revision of the lease it is held by. */
export interface HeldBlock {
  readonly prefix: Prefix4;
  readonly revision: number;
  /** Of a single address whose MAC was asked for. */
  readonly mac?: Mac | undefined;
}

/** 10.2.0.64-26@17 */
export const blockName = (block: HeldBlock): string =>
  `${formatPrefix4(block.prefix).replace("/", "-")}@${block.revision}`;

/** Whether a block's folder is of a lease for one address, which goes with who asked for it. */
export const isSingle = (block: string): boolean => block.includes("-32@");

export function parseBlockName(name: string): HeldBlock | undefined {
  const found = /^([\d.]+)-(\d+)@(\d+)$/.exec(name);
  const prefix = parsePrefix4(`${found?.[1]}/${found?.[2]}`);
  return prefix === undefined ? undefined : { prefix, revision: Number(found?.[3]) };
}
