/** `socketplane node`: the machines of the cluster. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { rememberNames } from "../ipam/known-names.ts";
import { leaseOf } from "../ipam/leases.ts";
import type { Registry } from "../ipam/networks.ts";
import { formatVtep, type NodeRecord, readNodes } from "../ipam/nodes.ts";
import { removeNode } from "../ipam/remove-node.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { type Argument, command, type Group } from "./command.ts";
import { list, watchOption } from "./list.ts";
import type { Listing } from "./listing.ts";
import { noSuch, onNode } from "./on-node.ts";
import { type Shown, show } from "./output.ts";

const columns = ["node", "vtep", "agent", "leases", "version"];
const allColumns = [...columns, "machineId", "boot"];

const theNode = { describe: "The node's name", completes: "node" } as const satisfies Argument;

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the nodes",
  about:
    "List the nodes: each is a machine that has its containers on the networks, known by the address that VXLAN reaches it by.",
  options: watchOption,
  examples: [
    ["socketplane node list -o table", "As a table, also in a pipe"],
    ["socketplane node list --watch", "Again when a node or its agent comes or goes"],
  ],
  run: (world, args) => list(world, args, nodes),
});

const nodes: Listing = {
  names: ["node"],
  watches: (keys) => [keys.nodes, keys.sessions, keys.leases],
  read: async ({ ipam, run }, deadline) => {
    const cluster = await readCluster(await ipam.registry(), deadline);
    rememberNames(run, { nodes: cluster.nodes.map(({ name }) => name) });
    const records = cluster.nodes.map((node) => ({
      ...shownNode(node, cluster),
      leases: cluster.leasesOf(node.name).length,
    }));
    return { records, columns };
  },
};

const showCommand = command({
  name: "show",
  aliases: ["info"],
  describe: "Show one node",
  arguments: { name: theNode },
  examples: [["socketplane node show host-a", "With what it holds"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const cluster = await readCluster(await host.ipam.registry(), deadline);
      const node = cluster.nodes.find(({ name }) => name === args.name);
      if (node === undefined) throw noSuch("node", args.name, "show");
      const { machineId, boot } = node;
      const leases = cluster.leasesOf(node.name);
      const shown = { ...shownNode(node, cluster), leases, machineId, boot };
      show(world.terminal, args.output, shown, allColumns);
    }),
});

const removeCommand = command({
  name: "remove",
  aliases: ["rm"],
  describe: "Remove a node that is gone, with all addresses that it held",
  arguments: { name: theNode },
  options: {
    force: {
      type: "flag",
      describe:
        "Also while its agent runs (its containers are cut off), or where it is this machine, alone",
    },
  },
  examples: [["socketplane node remove host-c", "Its addresses are others' to have"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const isAlone = host.config.store.type === "file";
      if (isAlone && !args.force && args.name === host.ipam.node().name) throw isThis(args.name);
      const registry = await host.ipam.registry();
      const removed = await removeNode(registry, args.name, { force: args.force }, deadline);
      if (removed === undefined) throw noSuch("node", args.name, "remove");
      const shown = { node: args.name, removed: true, leases: removed.leases };
      show(world.terminal, args.output, shown, ["node", "removed", "leases"]);
    }),
});

/** With the embedded store nobody else has its addresses; its containers still do. */
const isThis = (name: string): Failure =>
  new Failure("network-conflict", `Cannot remove node "${name}": it is this machine, and alone`, {
    details:
      "A network goes by `socketplane network delete`, containers by their runtime. With --force its leases are removed all the same: the next ADD claims them anew.",
  });

export const nodeGroup: Group = {
  name: "node",
  describe: "List, show and remove the nodes of the cluster",
  commands: [listCommand, showCommand, removeCommand],
  examples: [
    ["socketplane node list", "See which there are, and which agents run"],
    ["socketplane node remove host-c", "When the machine is gone for good"],
  ],
};

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
