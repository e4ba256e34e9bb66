/** `socketplane cluster init` and `join`. See cluster.ts. */
import {
  clusterWorld,
  columnsOf,
  forceOption,
  interfaceOption,
  nameOption,
  telling,
} from "./cluster-common.ts";
import { endpointOf, joinLine, tlsOf, tokenOf } from "./cluster-words.ts";
import { command } from "./command.ts";
import { show } from "./output.ts";

const initAbout = [
  "Make this machine the first of a cluster.\n\n",
  "It starts an etcd for the cluster, which only nodes of the cluster can reach, by certificates of ",
  "an authority made here; starts the agent, which takes in others; and makes a network default. ",
  "It needs Open vSwitch and the program of etcd. Then it prints what to type on other machines. ",
  "Networks of the embedded store are set aside, and come back when this machine leaves. ",
  "Where it fails, or is interrupted, it takes back what it has made; a second time it changes nothing.",
].join("");

export const initCommand = command({
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
    const { network, link: taken, setAside, token, why, ...rest } = made;
    const shown = {
      ...rest,
      // It says how it was chosen now.
      ...(!made.already && { why }),
      ...(token !== undefined && { token }),
      ...(setAside.length > 0 && { setAside }),
      interface: taken,
      network: network?.name,
      subnet: network?.subnet,
      join: joinLine(token, insecure),
      // A machine that was so before may have tokens, or none any more.
      ...(made.already && !insecure && { forMore: "socketplane cluster token create" }),
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
  "setAside",
  "already",
  "join",
  "forMore",
];

const joinAbout = [
  "Bring this machine into a cluster that is there.\n\n",
  "The cluster is found by multicast DNS on the interface's segment, or asked where --endpoint says. ",
  "The token is what proves each to the other: make one on a node of the cluster, by ",
  "socketplane cluster token create. It takes in one machine.",
].join("");

export const joinCommand = command({
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
    insecure: {
      type: "flag",
      describe: "Without a token, into a cluster without TLS: whoever answers is trusted",
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
    const { config, name, interface: link, insecure, force } = args;
    const wish = { config, name, link, insecure, force, token, at };
    const entered = await enterCluster(await clusterWorld(world), wish, telling(world));
    const { link: taken, setAside, why, ...rest } = entered;
    const shown = {
      ...rest,
      ...(!entered.already && { why }),
      interface: taken,
      ...(setAside.length > 0 && { setAside }),
    };
    const columns = ["node", "interface", "why", "vtep", "endpoints", "setAside", "already"];
    show(world.terminal, args.output, shown, columnsOf(shown, columns));
  },
});
