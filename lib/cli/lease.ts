/** `socketplane lease`: which node holds which addresses. */
import type { CommandModule } from "yargs";
import { isOf, leaseOf } from "../ipam/leases.ts";
import { readNodes } from "../ipam/nodes.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { type Common, networkOption, onNode, refuseUnknown } from "./on-node.ts";
import { show } from "./output.ts";
import type { Words } from "./usage.ts";
import type { CliWorld } from "./world.ts";

/** What can be typed here, for those who mistype it. */
export const leaseWords: Words = { commands: { lease: ["list", "ls"] }, options: ["network"] };

const columns = ["network", "prefix", "node"];

export function leaseCommand(world: CliWorld): CommandModule {
  return {
    command: "lease",
    describe: "List which node holds which addresses",
    builder: (parser) =>
      parser
        .usage("$0 lease <command>\n\nList which node holds which addresses.")
        .command(listCommand(world))
        .demandCommand(1, "give a command of lease: list")
        .strict()
        .example("$0 lease list", "The leases of all networks"),
    handler: () => undefined,
  };
}

interface ListArgs extends Common {
  readonly network?: string | undefined;
}

function listCommand(world: CliWorld): CommandModule<object, ListArgs> {
  return {
    command: ["list", "ls"],
    describe: "List the leases",
    builder: (parser) =>
      parser
        .option("network", networkOption)
        .example("$0 lease list --network web", "Those of one network"),
    handler: (args) =>
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
  };
}
