/**
 * `socketplane cluster`: this machine in a cluster: made, joined, looked at and left. What it takes,
 * certificates, multicast DNS and HTTP, is loaded when one of these is run.
 */
import type { Host } from "../attach/host.ts";
import type { ClusterWorld, Say } from "../cluster/world.ts";
import { clusterTokenGroup } from "./cluster-token.ts";
import { endpointOf, tlsOf, tokenOf } from "./cluster-words.ts";
import { command, type Group } from "./command.ts";
import { show } from "./output.ts";
import { toolsOf } from "./run-tools.ts";
import type { CliWorld } from "./world.ts";

export const clusterWorld = async (world: CliWorld): Promise<ClusterWorld> => ({
  ...world,
  ...(await world.clusterDrivers()),
});

/** What is done is told to who waits for it. */
const telling =
  ({ terminal }: CliWorld): Say =>
  (line) =>
    terminal.progress(line);

const interfaceOption = {
  type: "text",
  value: "NAME",
  describe: "The interface that VXLAN goes by [default: found by itself]",
  completes: "interface",
} as const;

const nameOption = {
  type: "text",
  value: "NODE",
  describe: "This machine's name in the cluster [default: its hostname]",
} as const;

const forceOption = {
  type: "flag",
  describe: "Also where VXLAN can't leave this machine yet",
} as const;

const initAbout = [
  "Make this machine the first of a cluster.\n\n",
  "It starts an etcd for the cluster, which only nodes of the cluster can reach, by certificates of ",
  "an authority made here; starts the agent, which takes in others; and makes a network default. ",
  "It needs Open vSwitch and the program of etcd. Then it prints what to type on other machines. ",
  "Where it fails, or is interrupted, it takes back what it has made; a second time it changes nothing.",
].join("");

const initCommand = command({
  name: "init",
  describe: "Make this machine the first of a cluster",
  about: initAbout,
  options: {
    name: nameOption,
    interface: interfaceOption,
    insecure: {
      type: "flag",
      describe: "Without TLS and tokens: who reaches etcd's port can do everything",
    },
    endpoint: { type: "list", value: "URL", describe: "Use an etcd that is there" },
    ca: { type: "text", value: "FILE", describe: "Its authority's certificate", completes: "file" },
    cert: { type: "text", value: "FILE", describe: "Our certificate for it", completes: "file" },
    key: { type: "text", value: "FILE", describe: "That certificate's key", completes: "file" },
    force: forceOption,
  },
  examples: [
    ["socketplane cluster init", "With all found by itself"],
    ["socketplane cluster init --interface eth1", "With VXLAN by that interface"],
    ["socketplane cluster init --endpoint http://192.0.2.9:2379", "With an etcd of your own"],
  ],
  run: async (world, args) => {
    const tls = tlsOf(args);
    const { initCluster } = await import("../cluster/init.ts");
    const { config, name, interface: link, insecure, endpoint: endpoints = [], force } = args;
    const wish = { config, name, link, insecure, endpoints, tls, force };
    const made = await initCluster(await clusterWorld(world), wish, telling(world));
    const join =
      made.token === undefined ? undefined : `socketplane cluster join --token ${made.token}`;
    const { network, link: taken, ...rest } = made;
    const shown = {
      ...rest,
      interface: taken,
      network: network?.name,
      subnet: network?.subnet,
      join,
    };
    show(world.terminal, args.output, shown, columnsOf(shown, initColumns));
  },
});

const initColumns = [
  "node",
  "interface",
  "why",
  "vtep",
  "endpoints",
  "network",
  "subnet",
  "already",
  "join",
];

const joinAbout = [
  "Bring this machine into a cluster that is there.\n\n",
  "The cluster is found by multicast DNS on the interface's segment, or asked where --endpoint says. ",
  "The token is what proves each to the other: make one on the node where the cluster was made, by ",
  "socketplane cluster token create. It takes in one machine.",
].join("");

const joinCommand = command({
  name: "join",
  describe: "Bring this machine into a cluster that is there",
  about: joinAbout,
  arguments: {
    address: { describe: "The same as --endpoint", optional: true },
  },
  options: {
    token: {
      type: "text",
      value: "TOKEN",
      describe: "What cluster init or token create has printed",
    },
    endpoint: {
      type: "text",
      value: "HOST[:PORT]",
      describe: "A node that takes in others [default: found by multicast DNS]",
    },
    name: nameOption,
    interface: interfaceOption,
    force: forceOption,
  },
  examples: [
    ["socketplane cluster join --token TOKEN", "With the cluster found by itself"],
    [
      "socketplane cluster join --token TOKEN --endpoint 192.0.2.1",
      "Where multicast does not pass",
    ],
  ],
  run: async (world, args) => {
    const token = tokenOf(args.token);
    const at = endpointOf(args.endpoint ?? args.address);
    const { enterCluster } = await import("../cluster/enter.ts");
    const { config, name, interface: link, force } = args;
    const wish = { config, name, link, force, token, at };
    const entered = await enterCluster(await clusterWorld(world), wish, telling(world));
    const { link: taken, ...rest } = entered;
    const shown = { ...rest, interface: taken };
    const columns = ["node", "interface", "why", "vtep", "endpoints", "already"];
    show(world.terminal, args.output, shown, columns);
  },
});

const bindCommand = command({
  name: "bind",
  describe: "Say which interface the cluster's traffic goes by",
  about:
    "Say which interface VXLAN goes by: for the cluster that is made or joined then; or at once, where this machine is in one.",
  arguments: { interface: { describe: "Its name, as eth0", completes: "interface" } },
  options: { force: forceOption },
  examples: [["socketplane cluster bind eth0", "As it was in the original SocketPlane"]],
  run: async (world, args) => {
    const { bindInterface } = await import("../cluster/bind.ts");
    const wish = { config: args.config, link: args.interface, force: args.force };
    const { link, ...rest } = await bindInterface(await clusterWorld(world), wish, telling(world));
    show(world.terminal, args.output, { interface: link, ...rest }, [
      "interface",
      "vtep",
      "cluster",
    ]);
  },
});

const statusCommand = command({
  name: "status",
  describe: "Show what this machine is in a cluster, and how that is",
  about:
    "Show what this machine is in a cluster: its address, etcd, agent and certificate, the nodes and the networks. The exit status is 1 where the store does not answer, the agent does not run, or VXLAN can't leave.",
  examples: [["socketplane cluster status -o json", "For programs"]],
  run: async (world, args) => {
    const { clusterStatus } = await import("../cluster/status.ts");
    const status = await clusterStatus(await clusterWorld(world), args.config);
    if (status === undefined) {
      const shown = { cluster: "none", store: "embedded" };
      show(world.terminal, args.output, shown, ["cluster", "store"]);
      return 0;
    }
    show(world.terminal, args.output, { ...status }, Object.keys(status));
    const isWell =
      status.store === "ok" && status.agent === "running" && status.underlay === undefined;
    return isWell ? 0 : 1;
  },
});

const leaveAbout = [
  "Give back all that this machine has of its cluster: its registration and addresses, the bridge, ",
  "the firewall's tables, what socketplane run has started, the agent, and where it was made, its ",
  "etcd with all data. Keys of node.json that are none of the cluster's stay. It is refused while ",
  "containers are attached; and where the cluster was made, while other nodes are in it.",
].join("");

const leaveCommand = command({
  name: "leave",
  describe: "Give back all that this machine has of its cluster",
  about: leaveAbout,
  options: {
    force: {
      type: "flag",
      describe:
        "Also with containers, which are cut off; with other nodes; with a store that is away",
    },
  },
  examples: [["socketplane cluster leave", "The machine is as it was before"]],
  run: async (world, args) => {
    const { leaveCluster } = await import("../cluster/leave.ts");
    const endRuns = async (host: Host) => {
      const { listRuns } = await import("../run/record.ts");
      const { removeRun } = await import("../run/stop.ts");
      const tools = toolsOf(world, args);
      for (const { name } of listRuns(host)) await removeRun(host, tools, name, "end");
    };
    const wish = { config: args.config, force: args.force, endRuns };
    const left = await leaveCluster(await clusterWorld(world), wish, telling(world));
    const shown =
      left === undefined ? { left: false, was: "in no cluster" } : { left: true, ...left };
    show(world.terminal, args.output, shown, columnsOf(shown, Object.keys(shown)));
  },
});

/** Those that have something to say. */
const columnsOf = (shown: object, columns: readonly string[]): readonly string[] =>
  columns.filter((column) =>
    Object.entries(shown).some(([key, value]) => key === column && value !== undefined),
  );

export const clusterGroup: Group = {
  name: "cluster",
  describe: "Make, join, look at and leave a cluster",
  commands: [initCommand, joinCommand, statusCommand, clusterTokenGroup, bindCommand, leaveCommand],
  examples: [
    ["socketplane cluster init", "On the first machine; it prints what to type on others"],
    ["socketplane cluster join --token TOKEN", "On the others"],
    ["socketplane cluster status", "See how it is"],
  ],
};
