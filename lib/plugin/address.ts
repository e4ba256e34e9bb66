/** Which address an attachment gets: ours, the one asked for, or a foreign IPAM plugin's. */
import type { AddRequest } from "../cni/request.ts";
import type { Requested } from "../cni/requested.ts";
import type { Result } from "../cni/result.ts";
import { Failure } from "../errors.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip4OfMac, ip6Of, isGroup, type Mac } from "../net/mac.ts";
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
export function wantedAddress(network: Network, { ips }: Requested): Ip4 | undefined {
  if (ips.length === 0) return undefined;
  const [wanted, second] = ips.filter((ip) => ip.family === 4);
  if (second !== undefined) {
    refuse("ips", formatIp4(second.address), "an interface has one IPv4 address");
  }
  const { length } = network.subnet;
  if (wanted?.length !== undefined && wanted.length !== length) {
    const asked = `${formatIp4(wanted.address)}/${wanted.length}`;
    refuse("ips", asked, `network "${network.name}" has prefix length ${length}`);
  }
  for (const { address } of ips.filter((ip) => ip.family === 6)) {
    if (wanted === undefined) {
      refuse("ips", formatIp6(address), "it ends in the IPv4 address, which must be asked for too");
    }
    if (network.subnet6 === undefined) {
      refuse("ips", formatIp6(address), `network "${network.name}" has no IPv6 subnet`);
    }
    const ours = ip6Of(network.subnet6, wanted.address);
    if (ours !== address) {
      const asked = formatIp4(wanted.address);
      refuse("ips", formatIp6(address), `with ${asked} goes ${formatIp6(ours)}`);
    }
  }
  return wanted?.address;
}

/**
 * The address and the MAC that are asked for together. A MAC that is computed asks for its address;
 * another one is had with any. Throws Failure "unsupported-field" for a group's, or another address's.
 */
export function wantedMac(
  network: Network,
  { mac }: Requested,
  address: Ip4 | undefined,
): { readonly address: Ip4 | undefined; readonly mac: Mac | undefined } {
  if (mac === undefined) return { address, mac };
  const text = formatMac(mac);
  const computedFor = ip4OfMac(mac);
  if (computedFor !== undefined) {
    if (contains4(network.subnet, computedFor) && (address ?? computedFor) === computedFor) {
      return { address: computedFor, mac: undefined };
    }
    refuse(
      "mac",
      text,
      `MACs that begin so are computed, and it is that of ${formatIp4(computedFor)}`,
    );
  }
  if (isGroup(mac) || mac === 0) refuse("mac", text, "it is no single interface's");
  return { address, mac };
}

/** The specification wants the key and the value to be named. */
function refuse(key: string, value: string, state: string): never {
  throw new Failure("unsupported-field", `Cannot honour "${key}" ${value}: ${state}`);
}

/**
 * The address that a foreign IPAM plugin assigned; it must be one of the network's. Its prefix
 * length and gateway are the network's, whatever the plugin takes them to be.
 */
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
  const { subnet6 } = network;
  const own6 = subnet6 === undefined ? undefined : ip6Of(subnet6, only.address);
  for (const ip of result.ips) {
    if (ip.family === 4 || ip.address === own6) continue;
    const goes = own6 === undefined ? "no IPv6 address" : formatIp6(own6);
    throw say(`${formatIp6(ip.address)}, but with ${formatIp4(only.address)} goes ${goes}`);
  }
  return only.address;
}
