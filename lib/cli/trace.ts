/** `socketplane trace`: the way of a packet, and where it ends. */
import { collectFaults } from "../faults.ts";
import { parseVtep } from "../ipam/nodes.ts";
import { parseMac } from "../net/mac.ts";
import type { TraceQuestion } from "../trace/start.ts";
import type { Traced } from "../trace/trace.ts";
import { command, type Option, type Values } from "./command.ts";
import { lookAtNode } from "./on-node.ts";
import type { CliWorld } from "./world.ts";

const formats = ["text", "json"] as const;
const protocols = ["icmp", "tcp", "udp"] as const;

const options = {
  output: { type: "text", alias: "o", oneOf: formats, describe: "How to show it [default: text]" },
  network: {
    type: "text",
    value: "NETWORK",
    describe: "The network it is sent in [default: one that both are in, else A's first]",
    completes: "network",
  },
  proto: {
    type: "text",
    oneOf: protocols,
    describe: "What is sent [default: icmp; with --port: tcp]",
  },
  port: {
    type: "text",
    value: "N",
    describe: "The port that it is sent to, of TCP or UDP [default: 80]",
  },
  source: {
    type: "text",
    value: "ADDRESS",
    describe: "As if A sent from this address, which is not its own",
  },
  fromMac: { type: "text", value: "MAC", describe: "As if A sent from this MAC" },
  return: { type: "flag", describe: "Show the answer's way too, and not only how it ends" },
  verbose: {
    type: "flag",
    alias: "v",
    describe: "Show the flows that were met, and the switch's own words",
  },
} as const satisfies Record<string, Option>;

interface Args {
  readonly from: string;
  readonly to: string;
  readonly network: string | undefined;
  readonly proto: string | undefined;
  readonly port: string | undefined;
  readonly source: string | undefined;
  readonly fromMac: string | undefined;
}

export const traceCommand = command({
  name: "trace",
  describe: "Show the way of a packet between two containers, and where it ends",
  about: [
    "Show the way of a packet from A to B, table by table on each node, as the switches themselves say ",
    "that they would treat it: first whether A finds its neighbour, then the packet. It ends in ",
    "delivered, or in dropped and why. Nothing is sent. Another node's agent is asked for its switch; ",
    "where a switch can't be asked, its part is told by what is on record, and says so.",
    "\n\n",
    "A is a container, or this host by its node's name; B may also be another node, or any address. ",
    "The exit status is 0 when it is delivered, and 1 when it is dropped, or that can't be known.",
  ].join(""),
  arguments: {
    from: {
      describe: "A: a container as socketplane info names it, its address, or this node",
      completes: "party",
    },
    to: { describe: "B: a container, a node, or an address", completes: "party" },
  },
  options,
  examples: [
    ["sudo socketplane trace web-1 web-2", "From one container to another, on whichever node"],
    ["sudo socketplane trace web-1 10.2.0.9", "To an address, held by somebody or by nobody"],
    ["sudo socketplane trace web-1 192.0.2.80 --port 443", "To the outside, TCP"],
    [
      "sudo socketplane trace shop/web-0 db-1 --return -v",
      "With the answer, flows, and the switch's words",
    ],
  ],
  faultsIn,
  run: async (world, args) => {
    const traced = await traceHere(world, args);
    world.terminal.stdout(await formatted(traced, args));
    return traced.end.end === "delivered" ? 0 : 1;
  },
});

async function traceHere(
  world: CliWorld,
  args: Args & { readonly config?: string | undefined },
): Promise<Traced> {
  const content = contentOf(args);
  const spoofed = spoofedOf(args);
  const [{ readSurvey }, { openFollowing }, { partiesOf }, { trace }, drivers] = await Promise.all([
    import("../survey/read.ts"),
    import("../trace/here.ts"),
    import("../trace/parties.ts"),
    import("../trace/trace.ts"),
    world.traceDrivers(),
  ]);
  world.terminal.progress("Looking");
  return lookAtNode(world, args, async (host) => {
    const following = await openFollowing(drivers, host, await readSurvey(host, world));
    const { facts } = following;
    const question: TraceQuestion = {
      ...partiesOf(facts, args),
      network: args.network,
      content,
      spoofed,
    };
    return trace(following, question);
  });
}

async function formatted(
  traced: Traced,
  args: {
    readonly output: string | undefined;
    readonly verbose: boolean;
    readonly return: boolean;
  },
): Promise<string> {
  if (args.output === "json") {
    const { asJson } = await import("../trace/json.ts");
    return `${JSON.stringify(asJson(traced), undefined, 2)}\n`;
  }
  const { formatTraced } = await import("../trace/text.ts");
  return formatTraced(traced, { verbose: args.verbose, withAnswer: args.return });
}

/** All that is wrong with what is to be sent. */
function faultsIn({
  proto,
  port,
  source,
  fromMac,
}: Values<Record<never, never>, typeof options>): readonly string[] {
  const faults = collectFaults();
  // Number() also takes "1e3", "0x50" and " 80".
  const isNumber = /^\d{1,5}$/.test(port ?? "80");
  const number = Number(port ?? 80);
  if (proto === "icmp" && port !== undefined) {
    faults.add("--port is of TCP and UDP, and not of ICMP");
  } else if (!isNumber || number < 1 || number > 0xffff) {
    faults.add(`--port ${port} is no port: it must be from 1 to 65535`);
  }
  if (source !== undefined && parseVtep(source) === undefined) {
    faults.add(`--source ${source} is no address`);
  }
  if (fromMac !== undefined && parseMac(fromMac) === undefined) {
    faults.add(`--from-mac ${fromMac} is no MAC`);
  }
  return faults.list();
}

function contentOf({ proto, port }: Args): TraceQuestion["content"] {
  const kind = proto ?? (port === undefined ? "icmp" : "tcp");
  if (kind === "icmp") return { kind, answer: false };
  return { kind: kind === "udp" ? "udp" : "tcp", port: Number(port ?? 80), answer: false };
}

const spoofedOf = ({ source, fromMac }: Args): TraceQuestion["spoofed"] => ({
  address: source === undefined ? undefined : parseVtep(source),
  mac: fromMac === undefined ? undefined : parseMac(fromMac),
});
