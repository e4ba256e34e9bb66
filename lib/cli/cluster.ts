/**
 * `socketplane cluster`: this machine in a cluster: made, joined, looked at and left. What it takes,
 * certificates, multicast DNS and HTTP, is loaded when one of these is run.
 */
import type { Host } from "../attach/host.ts";
import { clusterWorld, columnsOf, forceOption, telling } from "./cluster-common.ts";
import { initCommand, joinCommand } from "./cluster-enter.ts";
import { clusterTokenGroup } from "./cluster-token.ts";
import { command, type Group } from "./command.ts";
import { show } from "./output.ts";
import { toolsOf } from "./run-tools.ts";

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
    // Where it goes by no interface, that is said there.
    const underlay = status.underlay ?? (status.interface && "ok");
    show(world.terminal, args.output, { ...status, underlay }, Object.keys(status));
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
