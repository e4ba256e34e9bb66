/** Whose switch a packet is in, and who is meant by its addresses: pure. */
import { formatVtep } from "../ipam/nodes.ts";
import { ip4OfMac } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import type { VtepAddress } from "../store/keys.ts";
import { type Facts, type Holder, holderOf, networkNamed, nodeAt } from "./facts.ts";
import { textOf } from "./packet-text.ts";
import type { Entry, Packet } from "./way.ts";

/** Whose switch it is, and what came in by which port. */
export interface Scene {
  readonly facts: Facts;
  readonly node: string;
  readonly entry: Entry;
  readonly packet: Packet;
}

/** "host-b (192.0.2.2)", or "the node at 192.0.2.2". */
export function nodeWords(facts: Facts, vtep: VtepAddress): string {
  const node = nodeAt(facts, vtep);
  return node === undefined ? `the node at ${formatVtep(vtep)}` : `${node} (${formatVtep(vtep)})`;
}

/** Who has the packet's destination MAC, as far as it is known. */
export function holderAt(facts: Facts, { network, ethDst }: Packet): Holder | undefined {
  const byMac = facts.holders.find((one) => one.network === network && one.mac === ethDst);
  const address = ip4OfMac(ethDst);
  const subnet = networkNamed(facts, network)?.subnet;
  if (byMac !== undefined || address === undefined || subnet === undefined) return byMac;
  return contains4(subnet, address) ? holderOf(facts, network, address) : undefined;
}

/** The same in words: a container by its name. */
export const recipientOf = (facts: Facts, packet: Packet): string =>
  `container ${holderAt(facts, packet)?.name ?? textOf(packet.to)}`;
