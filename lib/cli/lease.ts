/** `socketplane lease`: which node holds which addresses. */
import { isOf, leaseOf } from "../ipam/leases.ts";
import { readNodes } from "../ipam/nodes.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import type { Keys } from "../store/keys.ts";
import { command, type Group } from "./command.ts";
import { list, watchOption } from "./list.ts";
import type { Listing } from "./listing.ts";
import { networkOption, refuseUnknown } from "./on-node.ts";

const columns = ["network", "prefix", "node"];

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the leases",
  about:
    "List the leases: each is a block of a network's addresses that one node gives to its containers, or one address that was asked for by itself.",
  options: { network: networkOption, ...watchOption },
  examples: [
    ["socketplane lease list --network web", "Those of one network"],
    ["socketplane lease list --watch", "Again when one is claimed or given back"],
  ],
  run: (world, args) => list(world, args, leases(args.network)),
});

/** Of one network, or of all. */
const leases = (network: string | undefined): Listing => ({
  names: ["network", "prefix"],
  watches: (keys) => [prefixOf(keys, network), keys.nodes],
  read: async ({ ipam }, deadline) => {
    const registry = await ipam.registry();
    await refuseUnknown(registry, network, "list the leases", deadline);
    const { keys, store } = registry;
    const { entries } = await store.range(prefixOf(keys, network), deadline);
    const nodes = await readNodes(registry, deadline);
    const records = entries.map((entry) => {
      const parts = keys.parse(entry.key);
      const lease = leaseOf(keys, entry);
      const { mac, owner } = lease;
      const node = nodes.get(lease.node);
      return {
        network: parts?.kind === "lease" ? parts.network : undefined,
        prefix: formatPrefix4(lease.prefix),
        node: lease.node,
        ...(mac !== undefined && { mac: formatMac(mac) }),
        ...(owner !== undefined && { owner }),
        // Left behind by a removal that was cut short: nobody's, and in the way.
        ...((node === undefined || !isOf(lease, node)) && { stale: true }),
      };
    });
    const more = ["mac", "owner", "stale"].filter((key) => records.some((one) => key in one));
    return { records, columns: [...columns, ...more] };
  },
});

const prefixOf = (keys: Keys, network: string | undefined): string =>
  network === undefined ? keys.leases : keys.leasesOf(network);

export const leaseGroup: Group = {
  name: "lease",
  describe: "List which node holds which addresses",
  commands: [listCommand],
  examples: [["socketplane lease list", "The leases of all networks"]],
};
