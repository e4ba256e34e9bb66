/** Which network an attachment is to be in. */
import type { Requested } from "../cni/requested.ts";
import type { Deadline } from "../deadline.ts";
import type { NodeIpam } from "../ipam/held.ts";
import type { WantedNetwork } from "../ipam/read-held.ts";
import type { PluginConfig } from "./config.ts";

/** The configuration's, or that of the subnet which CNI_ARGS ask for. */
export async function wantedNetwork(
  ipam: NodeIpam,
  { network: name, spec }: PluginConfig,
  { cidr }: Requested,
  deadline: Deadline,
): Promise<WantedNetwork> {
  if (cidr === undefined) return { name, spec };
  // Few ask for it: who doesn't, doesn't load it.
  const { networkOfCidr } = await import("./cidr-network.ts");
  return networkOfCidr(ipam, { name, spec }, cidr, deadline);
}
