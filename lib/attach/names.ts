/**
 * One container's attachment: planned purely, applied, verified, removed.
 *
 * Invariants: an attachment's link, port and cookie have names that follow from the attachment
 * alone, so DEL needs no cache; each deed's undo is registered with it and takes back only what
 * this process made; the address is given back last.
 * Why one folder: the plugin, the agent and the operator's command do the same things here.
 */
import { shortName } from "../hash.ts";
import { type AttachmentId, ownerName } from "../ipam/assignment.ts";

/** Of all container links: what the firewall rules go by (lib/sys/nft.ts). */
const outerStem = "spv";
const gatewayStem = "sp-";
/** IFNAMSIZ less the terminating zero (linux/if.h). */
const longestLinkName = 15;

/** The host end of an attachment's veth pair. */
export const outerName = (id: AttachmentId): string => outerStem + shortName(ownerName(id));

/** Whether a link is the host end of a container's veth pair, by its name. */
export const isOuterLink = (link: string): boolean => link.startsWith(outerStem);

/** A network's own port on the node: "sp-web". */
export function gatewayLinkName(network: string): string {
  const name = gatewayStem + network;
  return name.length <= longestLinkName ? name : gatewayStem + shortName(network);
}

/** Whether a link is a network's own port, by its name. */
export const isGatewayLink = (link: string): boolean => link.startsWith(gatewayStem);

/** The port that leads to all peers. */
export const tunnelName = "sptunnel";

/** The sysctl that keeps a link from having IPv6 addresses: a machine may set it for new ones. */
export const disableIp6 = (link: string): string => `net/ipv6/conf/${link}/disable_ipv6`;

const ownName = "@node";

/** The node's own address in a network is an assignment like any other; "@" is in no CNI name. */
export const gatewayAttachment = (network: string): AttachmentId => ({
  name: ownName,
  containerId: network,
  ifname: gatewayLinkName(network),
});

/** Whether an assignment is of the node itself. */
export const isOwnAddress = (id: AttachmentId): boolean => id.name === ownName;

/**
 * The CNI name of what `socketplane run` attaches. No configuration has a name with a space: no GC
 * of a runtime's ever means it.
 */
export const runCniName = "socketplane run";
