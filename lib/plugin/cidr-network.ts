/**
 * SOCKETPLANE_CIDR=10.0.6.1/24 in CNI_ARGS: a gateway and a subnet in one, which say what network a
 * container is to be in, as the Powerstrip adapter of the first SocketPlane had it.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { heldNow, type NodeIpam } from "../ipam/held.ts";
import { listNetworks } from "../ipam/networks.ts";
import type { WantedNetwork } from "../ipam/read-held.ts";
import { asking } from "../ipam/refresh.ts";
import { formatIp4 } from "../net/ip4.ts";
import { type Cidr4, formatPrefix4, type Prefix4, prefix4Of } from "../net/prefix.ts";

/**
 * The network of that subnet, whatever it is called: the configuration's own, one that is there, or
 * else a new one, "10.0.6.0-24". Throws Failure "unsupported-field" where the configuration says
 * another gateway; what is there with another one is refused by who reads it.
 */
export async function networkOfCidr(
  ipam: NodeIpam,
  own: WantedNetwork,
  { address: gateway, length }: Cidr4,
  deadline: Deadline,
): Promise<WantedNetwork> {
  const subnet = prefix4Of(gateway, length);
  const { spec } = own;
  if (spec !== undefined && same(spec.subnet, subnet)) {
    if (spec.gateway !== undefined && spec.gateway !== gateway) {
      throw new Failure(
        "unsupported-field",
        `Cannot honour "SOCKETPLANE_CIDR" ${formatIp4(gateway)}/${length}: the configuration's gateway is ${formatIp4(spec.gateway)}`,
      );
    }
    return { ...own, spec: { ...spec, gateway } };
  }
  const found = heldHere(ipam, subnet) ?? (await inStore(ipam, subnet, deadline));
  const name = found ?? formatPrefix4(subnet).replace("/", "-");
  return { name, spec: { name, subnet, gateway } };
}

function heldHere({ dirs }: NodeIpam, subnet: Prefix4): string | undefined {
  return dirs.networks.list().find((name) => {
    const held = heldNow(dirs, name);
    return held !== undefined && same(held.stored.network.subnet, subnet);
  });
}

async function inStore(
  ipam: NodeIpam,
  subnet: Prefix4,
  deadline: Deadline,
): Promise<string | undefined> {
  const networks = await asking(ipam, "unable", deadline, listNetworks);
  return networks.find(({ network }) => same(network.subnet, subnet))?.network.name;
}

const same = (a: Prefix4, b: Prefix4): boolean => a.base === b.base && a.length === b.length;
