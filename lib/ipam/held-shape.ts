/**
 * Whether what a network's cache says has the form that it is written in. Every ADD asks: so types
 * are looked at, in few calls, and not values; only a hand can have written other ones there.
 */
import { isObject } from "../json.ts";

/** Of the JSON of a `HeldNetwork`, in which IPv6 addresses are texts. */
export function isHeldShape(held: unknown): boolean {
  if (!isObject(held) || !isObject(held.stored) || !isObject(held.node)) return false;
  const { stored, node, tunnel, blocks, peers, revision, readAt } = held;
  return (
    isNetwork(stored.network) &&
    isWhole(stored.revision) &&
    typeof node.name === "string" &&
    isWhole(node.createRevision) &&
    (tunnel === undefined || isVtep(tunnel)) &&
    areBlocks(blocks) &&
    isObject(peers) &&
    isWhole(peers.count) &&
    isWhole(peers.digest) &&
    isWhole(revision) &&
    typeof readAt === "number"
  );
}

function isNetwork(network: unknown): boolean {
  if (!isObject(network)) return false;
  const { subnet6, range, mtu, allowed, deleting } = network;
  return (
    typeof network.name === "string" &&
    isPrefix(network.subnet) &&
    (subnet6 === undefined ||
      (isObject(subnet6) && isIp6(subnet6.base) && isWhole(subnet6.length))) &&
    isWhole(network.gateway) &&
    isObject(range) &&
    isWhole(range.first) &&
    isWhole(range.last) &&
    isWhole(network.blockLength) &&
    isWhole(network.vni) &&
    (mtu === undefined || isWhole(mtu)) &&
    typeof network.masquerade === "boolean" &&
    (allowed === undefined || areTexts(allowed)) &&
    (deleting === undefined || deleting === true)
  );
}

function areTexts(list: unknown): boolean {
  if (!Array.isArray(list)) return false;
  for (const one of list) if (typeof one !== "string") return false;
  return true;
}

function areBlocks(blocks: unknown): boolean {
  if (!Array.isArray(blocks)) return false;
  for (const block of blocks) {
    if (!isObject(block) || !isPrefix(block.prefix) || !isWhole(block.revision)) return false;
    if (block.mac !== undefined && !isWhole(block.mac)) return false;
  }
  return true;
}

const isVtep = (vtep: unknown): boolean =>
  isObject(vtep) &&
  (vtep.family === 4 ? isWhole(vtep.address) : vtep.family === 6 && isIp6(vtep.address));

const isPrefix = (prefix: unknown): boolean =>
  isObject(prefix) && isWhole(prefix.base) && isWhole(prefix.length);

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** As `writeCache` has it. */
const isIp6 = (value: unknown): boolean =>
  typeof value === "string" && value.length <= 34 && /^0x[0-9a-f]+$/.test(value);
