/** `socketplane address`: which container has which address. */
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { type MirroredAssignment, mirroredOf, podOf } from "../ipam/mirrored.ts";
import { listNetworks, type Registry } from "../ipam/networks.ts";
import { formatIp4, hexOfIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip6Of } from "../net/mac.ts";
import { command, type Group } from "./command.ts";
import { list, watchOption } from "./list.ts";
import type { Listing } from "./listing.ts";
import { networkOption, refuseUnknown } from "./on-node.ts";
import { type Shown, withThose } from "./output.ts";

const columns = ["network", "address", "address6", "node", "container", "ifname", "mac", "pod"];

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the addresses in use, here and on the nodes with an agent",
  options: { network: networkOption, ...watchOption },
  examples: [
    ["socketplane address list --network web", "Those of one network"],
    ["socketplane address list --watch", "Again when a container comes or goes"],
  ],
  run: (world, args) => list(world, args, addresses(args.network)),
});

/** Of one network, or of all. */
const addresses = (of: string | undefined): Listing => ({
  names: ["network", "address"],
  watches: (keys) => [of === undefined ? keys.allAssignments : keys.assignments(of)],
  read: async (host, deadline) => {
    const registry = await host.ipam.registry();
    await refuseUnknown(registry, of, "list the addresses", deadline);
    const own = ownAddresses(host);
    const node = host.ipam.node().name;
    // What an agent wrote down of this node may be behind.
    const others = (await mirrored(registry, deadline)).filter((one) => one.node !== node);
    const all = [...own, ...others]
      .filter(({ network }) => of === undefined || network === of)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const networks = await listNetworks(registry, deadline);
    const subnets6 = new Map(networks.map(({ network }) => [network.name, network.subnet6]));
    const records = all.map(({ key, ip4, ...address }) => {
      const subnet6 = subnets6.get(address.network);
      return subnet6 === undefined
        ? address
        : { ...address, address6: formatIp6(ip6Of(subnet6, ip4)) };
    });
    return { records, columns: withThose(columns, ["address6"], records) };
  },
});

export const addressGroup: Group = {
  name: "address",
  describe: "List which container has which address",
  commands: [listCommand],
  examples: [["socketplane address list", "Those of this node, and of the nodes with an agent"]],
};

interface Address extends Shown {
  /** To sort by. */
  readonly key: string;
  readonly ip4: Ip4;
  readonly network: string;
  readonly node: string;
}

function ownAddresses({ ipam }: Host): readonly Address[] {
  const node = ipam.node().name;
  return listAssignments(ipam.dirs).map(({ mac, ...assignment }) =>
    addressOf({ ...assignment, node, mac: formatMac(mac) }),
  );
}

async function mirrored(registry: Registry, deadline: Deadline): Promise<readonly Address[]> {
  const { keys, store } = registry;
  const { entries } = await store.range(keys.allAssignments, deadline);
  const found = entries.map((entry) => mirroredOf(keys, entry));
  return found.filter((one) => one !== undefined).map(addressOf);
}

function addressOf(one: MirroredAssignment): Address {
  const { network, address, node, id, mac, workload } = one;
  const key = `${network} ${hexOfIp4(address)}`;
  const of = { key, ip4: address, network, address: formatIp4(address), node };
  // No CNI name begins with "@": what does is the node's own address in the network.
  if (id.name.startsWith("@")) return { ...of, ifname: id.ifname, mac };
  const whose = { ...of, container: id.containerId, ifname: id.ifname, mac, name: id.name };
  if (Object.keys(workload).length === 0) return whose;
  const pod = podOf(workload);
  return { ...whose, ...(pod !== undefined && { pod }), workload };
}
