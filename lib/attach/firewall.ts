/** The firewall's part of what this node's networks are. */
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import type { Prefix4 } from "../net/prefix.ts";
import type { Filter, FilterNetwork } from "../sys/nft.ts";
import type { Host } from "./host.ts";
import { gatewayLinkName } from "./names.ts";
import { standingNetwork } from "./switch-network.ts";

/** What the firewall must know of the network; `local` are the prefixes that this node holds. */
export const filterNetwork = (network: Network, local: readonly Prefix4[]): FilterNetwork => ({
  link: gatewayLinkName(network.name),
  subnet: network.subnet,
  subnet6: network.subnet6,
  local,
  masquerade: network.masquerade,
  allowed: (network.allowed ?? []).map(gatewayLinkName),
});

/** Puts the network in, with the prefixes that are held by now; nothing if all is as it should be. */
export function addToFilter(host: Host, filter: Filter, held: HeldNetwork): void {
  const { network } = held.stored;
  const { blocks } = heldNow(host.ipam.dirs, network.name) ?? held;
  const local = blocks.map(({ prefix }) => prefix);
  filter.add(filterNetwork(network, local));
}

/** Does that for each of these networks that stands on this node. */
export async function putFirewallRight(host: Host, networks: readonly string[]): Promise<void> {
  const standing = networks.flatMap((name): readonly HeldNetwork[] => {
    const held = heldNow(host.ipam.dirs, name);
    return held !== undefined && standingNetwork(host, held) !== undefined ? [held] : [];
  });
  if (standing.length === 0) return;
  const filter = await host.filter();
  for (const held of standing) addToFilter(host, filter, held);
}

/**
 * Says when somebody else's firewall drops what is forwarded, unless that was said already; gives
 * the name of its chain. Whether it lets our traffic pass is for its owner to say, so this is no
 * failure.
 */
export function sayWhoDrops(
  host: Pick<Host, "log">,
  filter: Pick<Filter, "foreignDrop">,
  said?: string,
): string | undefined {
  const chain = filter.foreignDrop();
  if (chain === undefined || chain === said) return chain;
  host.log.warn("another firewall drops what is forwarded, unless a rule of its own accepts it", {
    chain,
    remedy: 'have it accept what comes from links "sp-*", and what goes to them',
  });
  return chain;
}
