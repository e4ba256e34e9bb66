/** A network taken off this node. */
import type { Deadline } from "../deadline.ts";
import type { Network } from "../ipam/network.ts";
import { release } from "../ipam/release.ts";
import { ofNetwork, only, peersCookie } from "../overlay/cookies.ts";
import { filterNetwork } from "./firewall.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment, gatewayLinkName } from "./names.ts";
import { readPort } from "./ports.ts";
import { removeRow } from "./rows.ts";

/**
 * Takes the network off this node: port, firewall, flows and the node's own address. The caller
 * holds the switch's lock exclusively.
 */
export async function removeGateway(
  host: Host,
  network: Network,
  deadline: Deadline,
): Promise<void> {
  const link = gatewayLinkName(network.name);
  const { uuid } = readPort(host, link, deadline);
  if (uuid !== undefined) {
    host
      .flows(deadline)
      .stage(
        [ofNetwork(network.vni), only(peersCookie(network.vni))].map(
          (cookies) => ({ do: "delete", cookies }) as const,
        ),
        deadline,
      )
      .commit(deadline);
    const remove = removeRow(uuid);
    host.database(deadline).transact([remove], deadline);
  }
  (await host.filter()).remove(filterNetwork(network, []));
  release(host.ipam.dirs, gatewayAttachment(network.name));
}
