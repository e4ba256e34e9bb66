/** Which address an attachment gets: ours, the one asked for, or a foreign IPAM plugin's. */
import type { AddRequest } from "../cni/request.ts";
import type { Requested } from "../cni/requested.ts";
import type { Result } from "../cni/result.ts";
import { Failure } from "../errors.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip6Of, macOfIp4 } from "../net/mac.ts";
import { contains4, formatPrefix4 } from "../net/prefix.ts";

export const attachmentOf = (request: {
  readonly config: { readonly name: string };
  readonly containerId: string;
  readonly ifname: string;
}): AttachmentId => ({
  name: request.config.name,
  containerId: request.containerId,
  ifname: request.ifname,
});

/**
 * The IPv4 address that the runtime asks for, if it does. Throws Failure "unsupported-field" for
 * what can't be honoured: two addresses, an IPv6 address that doesn't end in the IPv4 one.
 */
export function wantedAddress(network: Network, requested: Requested): Ip4 | undefined {
  const ip4 = requested.ips.filter((ip) => ip.family === 4);
  const ip6 = requested.ips.filter((ip) => ip.family === 6);
  if (requested.cidr !== undefined) refuse("SOCKETPLANE_CIDR", formatIp4(requested.cidr.address));
  const [wanted, second] = ip4;
  if (second !== undefined)
    refuse("ips", `${formatIp4(second.address)}: one IPv4 address is given`);
  for (const { address } of ip6) {
    const { subnet6 } = network;
    const ours = wanted && subnet6 && ip6Of(subnet6, wanted.address);
    if (ours !== address) {
      refuse("ips", `${formatIp6(address)}: an IPv6 address ends in the IPv4 address asked for`);
    }
  }
  return wanted?.address;
}

/** A MAC can be asked for only where it is the one that the address has anyway. */
export function refuseOtherMac(requested: Requested, address: Ip4): void {
  const { mac } = requested;
  if (mac === undefined || mac === macOfIp4(address)) return;
  refuse("mac", `${formatMac(mac)}: ${formatIp4(address)} has ${formatMac(macOfIp4(address))}`);
}

function refuse(key: string, value: string): never {
  throw new Failure("unsupported-field", `Cannot honour "${key}": ${value}`);
}

/** The address that a foreign IPAM plugin assigned; it must be one of the network's. */
export function foreignAddress(network: Network, result: Result, request: AddRequest): Ip4 {
  const ip4 = result.ips.filter((ip) => ip.family === 4);
  const [only, second] = ip4;
  const type = request.config.ipam?.type;
  const subnet = formatPrefix4(network.subnet);
  const say = (state: string) =>
    new Failure("invalid-config", `Cannot use what IPAM plugin "${type}" assigned: ${state}`, {
      details: `Its addresses must be of network "${network.name}", ${subnet}, one for each interface.`,
    });
  if (only === undefined) throw say("there is no IPv4 address");
  if (second !== undefined) throw say("there is more than one IPv4 address");
  if (!contains4(network.subnet, only.address)) {
    throw say(`${formatIp4(only.address)} is not in ${subnet}`);
  }
  return only.address;
}
