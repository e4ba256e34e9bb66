/** `socketplane topology`: what is where. */
import { Failure } from "../errors.ts";
import { collectFaults } from "../faults.ts";
import type { Survey } from "../survey/survey.ts";
import type { Part } from "../topology/model.ts";
import type { Topology } from "../topology/topology.ts";
import { command, type Option, type Values } from "./command.ts";
import { lookAtNode, networkOption, noSuch } from "./on-node.ts";
import { styleOf } from "./style.ts";
import type { CliWorld } from "./world.ts";

const formats = ["text", "json", "svg", "html"] as const;

const options = {
  output: {
    type: "text",
    alias: "o",
    oneOf: formats,
    describe: "How to show it [default: text]",
  },
  network: networkOption,
  node: {
    type: "text",
    value: "NODE",
    describe: "Of this node only",
    completes: "node",
  },
  all: { type: "flag", describe: "As text: every node and container, however many they are" },
  watch: {
    type: "flag",
    alias: "w",
    describe: "As text: go on, and show it anew when it changes, until Ctrl-C",
  },
  theme: {
    type: "text",
    oneOf: ["light", "dark", "auto"],
    describe: "As svg: its colours [default: auto, as the reader's system has them]",
  },
} as const satisfies Record<string, Option>;

type Asked = Values<Record<never, never>, typeof options>;

export const topologyCommand = command({
  name: "topology",
  describe: "Show what is where: nodes, networks, containers and tunnels",
  about: [
    "Show what is where: the nodes, the networks, the containers of both, and the tunnels from this ",
    "node to the others with what they have carried. Other nodes' containers are those that their agents ",
    "have written down, up to a minute ago. With the agent stopped, etcd away or Open vSwitch down it ",
    "shows what this node knows, and says what is not known and why. Nothing is changed.",
  ].join(""),
  options,
  examples: [
    ["sudo socketplane topology", "All of it, as a tree"],
    ["sudo socketplane topology --network web", "One network, and who is on it"],
    ["sudo socketplane topology --watch", "Again whenever something changes, traffic too"],
    ["sudo socketplane topology --node host-b --all", "One node, with all of its containers"],
    [
      "sudo socketplane topology -o html > topology.html",
      "As a page that a browser opens from disk",
    ],
    ["sudo socketplane topology -o svg > topology.svg", "As a picture"],
    ["sudo socketplane topology -o json", "For programs"],
  ],
  faultsIn,
  run: async (world, args) => {
    world.terminal.progress("Looking");
    const first = await look(world, args);
    if (!args.watch) return world.terminal.stdout(first);
    const { textPainterOf } = await import("./paint.ts");
    const { pause } = await import("./watch.ts");
    const ended = world.interrupted();
    const paint = textPainterOf(world.terminal);
    for (let text = first; ; text = await look(world, args)) {
      paint(text);
      await pause(lookMs, ended);
      if (ended.aborted) return;
    }
  },
});

/** What belongs to another way to show it would be left aside without a word. */
function faultsIn({ theme, watch, output = "text" }: Asked): readonly string[] {
  const faults = collectFaults();
  if (theme !== undefined && output !== "svg") faults.add("--theme needs -o svg");
  if (watch && output !== "text") faults.add("--watch is for text only");
  return faults.list();
}

/** Where the store is away, the name may be of one that this node does not know. */
function refuseUnknown({ networks, nodes, store }: Topology, { network, node }: Part): void {
  if (store.state === "away") return;
  const isThere = (all: readonly { readonly name: string }[], wanted: string) =>
    all.some(({ name }) => name === wanted);
  const noNode = node !== undefined && !isThere(nodes, node);
  const noNetwork = network !== undefined && !isThere(networks, network);
  if (noNode && noNetwork) throw noneOfBoth(node, network);
  if (noNode) throw noSuch("node", node, "show");
  if (noNetwork) throw noSuch("network", network, "show");
}

const noneOfBoth = (node: string, network: string): Failure =>
  new Failure(
    "network-unknown",
    `Cannot show node "${node}": there is none; network "${network}": there is none`,
    { details: "See which there are: socketplane node list; socketplane network list" },
  );

/** Milliseconds between two looks. */
const lookMs = 2_000;

/** What is to be shown now. */
async function look(world: CliWorld, args: Asked): Promise<string> {
  const { topologyOf } = await import("../topology/model.ts");
  const part = { network: args.network, node: args.node };
  const seen = await survey(world, args);
  refuseUnknown(topologyOf(seen), part);
  return formatted(world, topologyOf(seen, part), args);
}

async function survey(world: CliWorld, args: { readonly config?: string | undefined }) {
  const { readSurvey } = await import("../survey/read.ts");
  return lookAtNode(world, args, (host): Promise<Survey> => readSurvey(host, world));
}

async function formatted(
  { env, terminal, version }: CliWorld,
  topology: Topology,
  { output, theme = "auto", all }: Asked,
): Promise<string> {
  switch (output) {
    case "json":
      return `${JSON.stringify(topology, undefined, 2)}\n`;
    case "svg":
      return (await import("../topology/svg.ts")).svgOf(topology, { version, theme });
    case "html":
      return (await import("../topology/html.ts")).htmlOf(topology, { version });
    default: {
      const { treeOf } = await import("../topology/tree.ts");
      const width = terminal.interactive ? terminal.width : undefined;
      return treeOf(topology, { ...styleOf(env, terminal.interactive), all, width });
    }
  }
}
