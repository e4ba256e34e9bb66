/** `socketplane network`: networks made, looked at and deleted. */
import { dropNetwork } from "../attach/drop.ts";
import type { Host } from "../attach/host.ts";
import { reachable4, refuseReachable } from "../attach/reachable.ts";
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { chooseSubnet } from "../ipam/choose-subnet.ts";
import { rememberNames } from "../ipam/known-names.ts";
import { describe, maxVni, parseNetworkName, parseRange } from "../ipam/network.ts";
import { ensureNetwork, listNetworks, readNetwork } from "../ipam/networks.ts";
import { parseIp4 } from "../net/ip4.ts";
import { meantPrefix4, type Prefix4, parsePrefix4, parsePrefix6 } from "../net/prefix.ts";
import { type Argument, command, type Group, type Option, type Values } from "./command.ts";
import { list, watchOption } from "./list.ts";
import type { Listing } from "./listing.ts";
import { noSuch, onNode } from "./on-node.ts";
import { show, withThose } from "./output.ts";
import { allowCommand, denyCommand } from "./policy.ts";
import type { CliWorld } from "./world.ts";

const columns = ["id", "subnet", "gateway", "vni"];
const listColumns = ["id", "subnet", "subnet6", "gateway", "vni", "allowed"];
const allColumns = [
  ...columns,
  "subnet6",
  "gateway6",
  "ipRange",
  "blockLength",
  "mtu",
  "masquerade",
  "allowed",
];

const theNetwork = {
  describe: "The network's name",
  completes: "network",
} as const satisfies Argument;

/** An option with a value, which we read ourselves: all that are wrong are told at once. */
const text = (value: string, describe: string) => ({ type: "text", value, describe }) as const;

const createArguments = {
  name: { describe: "The network's name" },
  subnet: {
    optional: true,
    describe: "IPv4 prefix, as 10.2.0.0/16 [default: a private one that is free]",
  },
} as const satisfies Record<string, Argument>;

const createOptions = {
  subnet6: text("PREFIX", "IPv6 prefix, /96 or shorter, for dual stack"),
  gateway: text("ADDRESS", "Its address in the subnet [default: the first]"),
  ipRange: text("RANGE", "Addresses to give, as 10.2.8.0/21 or 10.2.0.9-10.2.0.99 [default: all]"),
  blockLength: text(
    "LENGTH",
    "Prefix length of the blocks that nodes hold [default: for 64 nodes or more]",
  ),
  vni: text("NUMBER", "VXLAN network identifier [default: the lowest that is free]"),
  mtu: text("BYTES", "In bytes [default: the underlay's less VXLAN's 50]"),
  noMasquerade: { type: "flag", describe: "Route what leaves the network, without NAT" },
} as const satisfies Record<string, Option>;

type CreateArgs = Values<typeof createArguments, typeof createOptions>;

const createCommand = command({
  name: "create",
  describe: "Create a network",
  arguments: createArguments,
  options: createOptions,
  examples: [
    ["socketplane network create web 10.2.0.0/16", "With that subnet"],
    ["socketplane network create web", "With a private one that is free"],
  ],
  run: (world, args) =>
    onNode(world, args, (host, deadline) => create(world, host, args, deadline)),
});

async function create(
  world: CliWorld,
  host: Host,
  args: CreateArgs,
  deadline: Deadline,
): Promise<void> {
  const { given, settle } = readArguments();
  const likely = meantPrefix4(args.subnet ?? "") ?? "10.2.0.0/16";
  const spec = {
    name: given("name", args.name, nameKind, parseNetworkName) ?? "",
    subnet: given("subnet", args.subnet, `an IPv4 prefix, as ${likely}`, parsePrefix4),
    subnet6: given("--subnet6", args.subnet6, "an IPv6 prefix, as fd00:2::/64", parsePrefix6),
    gateway: given("--gateway", args.gateway, "an IPv4 address", parseIp4),
    range: given("--ip-range", args.ipRange, "a prefix or a range of addresses", parseRange),
    blockLength: given("--block-length", args.blockLength, ...whole(8, 30)),
    vni: given("--vni", args.vni, ...whole(1, maxVni)),
    mtu: given("--mtu", args.mtu, ...whole(576, 65535)),
    masquerade: !args.noMasquerade,
  };
  settle();
  const registry = await host.ipam.registry();
  const existing = await readNetwork(registry, spec.name, deadline);
  if (existing !== undefined) {
    throw new Failure("network-conflict", `Cannot create network "${spec.name}": it exists`, {
      details: `See it: socketplane network show ${spec.name}`,
    });
  }
  const taken = async (): Promise<readonly Prefix4[]> => [
    ...(await listNetworks(registry, deadline)).map(({ network }) => network.subnet),
    ...reachable4(host),
  ];
  const subnet = spec.subnet ?? chooseSubnet(await taken());
  const subnets = { subnet, subnet6: spec.subnet6 };
  refuseReachable(host, `create network "${spec.name}"`, subnets, "Give another subnet.");
  const { stored } = await ensureNetwork(registry, { ...spec, subnet }, deadline);
  show(world.terminal, args.output, describe(stored.network), allColumns);
}

const networks: Listing = {
  names: ["id"],
  watches: (keys) => [keys.networks],
  read: async ({ ipam, run }, deadline) => {
    const all = await listNetworks(await ipam.registry(), deadline);
    rememberNames(run, { networks: all.map(({ network }) => network.name) });
    const records = all.map(({ network }) => describe(network));
    return { records, columns: withThose(listColumns, ["subnet6", "allowed"], records) };
  },
};

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the networks",
  options: watchOption,
  examples: [
    ["socketplane network list -o table", "As a table, also in a pipe"],
    ["socketplane network list --watch", "Again when one is made, changed or deleted"],
  ],
  run: (world, args) => list(world, args, networks),
});

const showCommand = command({
  name: "show",
  aliases: ["info"],
  describe: "Show one network",
  arguments: { name: theNetwork },
  examples: [["socketplane network show web", "All that is set for it"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const stored = await readNetwork(await host.ipam.registry(), args.name, deadline);
      if (stored === undefined) throw noSuch("network", args.name, "show");
      show(world.terminal, args.output, describe(stored.network), allColumns);
    }),
});

const deleteCommand = command({
  name: "delete",
  aliases: ["rm"],
  describe: "Delete a network that no container is attached to",
  arguments: { name: theNetwork },
  examples: [["socketplane network delete web", "Gives its subnet back"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      if (!(await dropNetwork(host, args.name, deadline)))
        throw noSuch("network", args.name, "delete");
      show(world.terminal, args.output, { id: args.name, deleted: true }, ["id", "deleted"]);
    }),
});

export const networkGroup: Group = {
  name: "network",
  describe: "Create, list, show and delete networks",
  commands: [createCommand, listCommand, showCommand, deleteCommand, allowCommand, denyCommand],
  examples: [
    ["socketplane network create web 10.2.0.0/16", "Create a network with that subnet"],
    ["socketplane network list", "See which there are"],
    ["socketplane network allow web db", "Let the containers of both reach each other"],
  ],
};

const nameKind = "a name of at most 63 letters, digits, '-', '_' and '.'";

const whole = (least: number, most: number) =>
  [
    `a whole number from ${least} to ${most}`,
    (text: string) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
      return value >= least && value <= most ? value : undefined;
    },
  ] as const;

/** Reads arguments, and tells all that are wrong at once. */
function readArguments() {
  const faults: string[] = [];
  return {
    given: <T>(
      name: string,
      text: string | undefined,
      kind: string,
      parse: (text: string) => T | undefined,
    ): T | undefined => {
      const parsed = text === undefined ? undefined : parse(text);
      if (text === undefined || parsed !== undefined) return parsed;
      faults.push(`${name} must be ${kind}, not ${text}`);
      return undefined;
    },
    settle: () => {
      if (faults.length === 0) return;
      const [only, more] = faults;
      const state = more === undefined ? only : `${faults.length} arguments are not valid`;
      throw new Failure("usage", `Cannot understand the command line: ${state}`, {
        details: more === undefined ? undefined : faults.join("\n"),
      });
    },
  };
}
