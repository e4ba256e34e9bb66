/** `socketplane lease`: which node holds which addresses. */
import { isOf, leaseOf } from "../ipam/leases.ts";
import { readNodes } from "../ipam/nodes.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { command, type Group } from "./command.ts";
import { networkOption, onNode, refuseUnknown } from "./on-node.ts";
import { show } from "./output.ts";

const columns = ["network", "prefix", "node"];

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the leases",
  options: { network: networkOption },
  examples: [["socketplane lease list --network web", "Those of one network"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const registry = await host.ipam.registry();
      await refuseUnknown(registry, args.network, "list the leases", deadline);
      const { keys, store } = registry;
      const prefix = args.network === undefined ? keys.leases : keys.leasesOf(args.network);
      const { entries } = await store.range(prefix, deadline);
      const nodes = await readNodes(registry, deadline);
      const leases = entries.map((entry) => {
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
      const more = ["mac", "owner", "stale"].filter((key) => leases.some((one) => key in one));
      show(world.terminal, args.output, leases, [...columns, ...more]);
    }),
});

export const leaseGroup: Group = {
  name: "lease",
  describe: "List which node holds which addresses",
  commands: [listCommand],
  examples: [["socketplane lease list", "The leases of all networks"]],
};
