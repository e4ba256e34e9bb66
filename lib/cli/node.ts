/** `socketplane node`: the machines of the cluster. */
import type { Argv, CommandModule } from "yargs";
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { leaseOf } from "../ipam/leases.ts";
import type { Registry } from "../ipam/networks.ts";
import { formatVtep, type NodeRecord, readNodes } from "../ipam/nodes.ts";
import { removeNode } from "../ipam/remove-node.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { type Common, onNode } from "./on-node.ts";
import { type Shown, show } from "./output.ts";
import type { Words } from "./usage.ts";
import type { CliWorld } from "./world.ts";

/** What can be typed here, for those who mistype it. */
export const nodeWords: Words = {
  commands: { node: ["list", "ls", "show", "info", "remove", "rm"] },
  options: ["force"],
};

const columns = ["node", "vtep", "agent", "leases", "version"];
const allColumns = [...columns, "machineId", "boot"];

export function nodeCommand(world: CliWorld): CommandModule {
  return {
    command: "node",
    describe: "List, show and remove the nodes of the cluster",
    builder: (parser) =>
      parser
        .usage("$0 node <command>\n\nList, show and remove the nodes of the cluster.")
        .command(listCommand(world))
        .command(showCommand(world))
        .command(removeCommand(world))
        .demandCommand(1, "give a command of node: list, show or remove")
        .strict()
        .example("$0 node list", "See which there are, and which agents run")
        .example("$0 node remove host-c", "When the machine is gone for good"),
    handler: () => undefined,
  };
}

function listCommand(world: CliWorld): CommandModule<object, Common> {
  return {
    command: ["list", "ls"],
    describe: "List the nodes",
    builder: (parser) => parser.example("$0 node list -o table", "As a table, also in a pipe"),
    handler: (args) =>
      onNode(world, args, async (host, deadline) => {
        const cluster = await readCluster(await host.ipam.registry(), deadline);
        const shown = cluster.nodes.map((node) => ({
          ...shownNode(node, cluster),
          leases: cluster.leasesOf(node.name).length,
        }));
        show(world.terminal, args.output, shown, columns);
      }),
  };
}

interface NamedArgs extends Common {
  readonly name: string;
}

function showCommand(world: CliWorld): CommandModule<object, NamedArgs> {
  return {
    command: ["show <name>", "info <name>"],
    describe: "Show one node",
    builder: (parser) => named(parser).example("$0 node show host-a", "With what it holds"),
    handler: (args) =>
      onNode(world, args, async (host, deadline) => {
        const cluster = await readCluster(await host.ipam.registry(), deadline);
        const node = cluster.nodes.find(({ name }) => name === args.name);
        if (node === undefined) throw unknown(args.name, "show");
        const { machineId, boot } = node;
        const leases = cluster.leasesOf(node.name);
        const shown = { ...shownNode(node, cluster), leases, machineId, boot };
        show(world.terminal, args.output, shown, allColumns);
      }),
  };
}

interface RemoveArgs extends NamedArgs {
  readonly force?: boolean | undefined;
}

function removeCommand(world: CliWorld): CommandModule<object, RemoveArgs> {
  return {
    command: ["remove <name>", "rm <name>"],
    describe: "Remove a node that is gone, with all addresses that it held",
    builder: (parser) =>
      named(parser)
        .option("force", {
          type: "boolean",
          describe: "Also while its agent runs: its containers are cut off",
        })
        .example("$0 node remove host-c", "Its addresses are others' to have"),
    handler: (args) =>
      onNode(world, args, async (host, deadline) => {
        const registry = await host.ipam.registry();
        const force = args.force === true;
        const removed = await removeNode(registry, args.name, { force }, deadline);
        if (removed === undefined) throw unknown(args.name, "remove");
        const shown = { node: args.name, removed: true, leases: removed.leases };
        show(world.terminal, args.output, shown, ["node", "removed", "leases"]);
      }),
  };
}

function named<T>(parser: Argv<T>) {
  return parser.positional("name", {
    type: "string",
    demandOption: true,
    describe: "The node's name",
  });
}

interface Cluster {
  readonly nodes: readonly NodeRecord[];
  readonly hasAgent: (node: string) => boolean;
  /** As "web 10.2.0.0/26". */
  readonly leasesOf: (node: string) => readonly string[];
}

async function readCluster(registry: Registry, deadline: Deadline): Promise<Cluster> {
  const { keys, store } = registry;
  const nodes = await readNodes(registry, deadline);
  const sessions = await store.range(keys.sessions, deadline);
  const living = new Set(sessions.entries.map(({ key }) => key));
  const leases = (await store.range(keys.leases, deadline)).entries.map((entry) => {
    const parts = keys.parse(entry.key);
    const { node, prefix } = leaseOf(keys, entry);
    const network = parts?.kind === "lease" ? parts.network : "";
    return { node, text: `${network} ${formatPrefix4(prefix)}` };
  });
  return {
    nodes: [...nodes.values()],
    hasAgent: (node) => living.has(keys.session(node)),
    leasesOf: (name) => leases.filter(({ node }) => node === name).map(({ text }) => text),
  };
}

const shownNode = ({ name, vtep, version }: NodeRecord, { hasAgent }: Cluster): Shown => ({
  node: name,
  vtep: vtep && formatVtep(vtep),
  agent: hasAgent(name),
  version,
});

const unknown = (name: string, action: string): Failure =>
  new Failure("network-unknown", `Cannot ${action} node "${name}": there is none`, {
    details: "See which there are: socketplane node list",
  });
