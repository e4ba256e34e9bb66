/**
 * The CNI plugins: what each verb does, as one straight line of steps that are done elsewhere.
 *
 * Invariants: nothing is changed before all input was understood; what fails is undone; the answer
 * is given by lib/cni alone. Keys that nobody reads are tolerated, as runtimes add theirs, but one
 * that is nearly ours is taken for a slip and named.
 * Source: CNI SPEC.md 1.1.0; containernetworking's host-local and bridge for the keys that people
 * bring along.
 */
import type { DefaultRoute } from "../attach/connect.ts";
import type { WantedRoute } from "../attach/plan.ts";
import type { Config } from "../cni/config.ts";
import { collectFaults, type Faults, nearest, type Reader } from "../faults.ts";
import { maxVni, type NetworkSpec, parseNetworkName, parseRange } from "../ipam/network.ts";
import { isObject } from "../json.ts";
import { parseIp4 } from "../net/ip4.ts";
import { parseIp6 } from "../net/ip6.ts";
import {
  formatPrefix4,
  type Prefix4,
  parseCidr4,
  parseCidr6,
  parsePrefix6,
  prefix4Of,
  prefix6Of,
} from "../net/prefix.ts";
import { type Ranges, readEnds, readSets, subnetAt } from "./ranges.ts";

/** The IPAM plugin whose work is done in this process. */
export const ownIpam = "socketplane-ipam";

export interface PluginConfig {
  /** The network's name. */
  readonly network: string;
  /** With a subnet, the network is created on first use; without, it must exist. */
  readonly spec: NetworkSpec | undefined;
  readonly nodeConfig: string | undefined;
  readonly defaultRoute: DefaultRoute;
  /** Routes asked for beside the default one. */
  readonly routes: readonly WantedRoute[];
  /** A resolv.conf whose contents become the result's dns. */
  readonly resolvConf: string | undefined;
  /** Another IPAM plugin's type; undefined for ours. */
  readonly foreignIpam: string | undefined;
}

const networkKeys = [
  "subnet",
  "subnet6",
  "gateway",
  "ipRange",
  "blockLength",
  "vni",
  "mtu",
  "masquerade",
] as const;

const ownKeys = [...networkKeys, "network", "nodeConfig", "defaultRoute"];
const ipamKeys = [
  ...networkKeys,
  "network",
  "nodeConfig",
  "routes",
  "resolvConf",
  "ranges",
  "rangeStart",
  "rangeEnd",
];
/** The keys of CNI itself, of its conventions and of plugins that people move over from. */
const otherKeys = [
  "cniVersion",
  "cniVersions",
  "name",
  "type",
  "ipam",
  "args",
  "capabilities",
  "runtimeConfig",
  "prevResult",
  "dns",
  "ipMasq",
  "isGateway",
  "isDefaultGateway",
  "bridge",
  "hairpinMode",
  "promiscMode",
  "forceAddress",
  "dataDir",
  "disableCheck",
  "disableGC",
  "loadOnlyInlinedPlugins",
];

/** Reads the configuration of the interface plugin. Throws Failure "invalid-config". */
export function parsePluginConfig(config: Config): PluginConfig {
  const faults = collectFaults();
  const at = faults.object(config.raw, "");
  refuseSlips(at, config.raw, ownKeys);
  const foreignIpam = foreignIpamOf(config);
  const inner = foreignIpam === undefined ? at.inner("ipam") : undefined;
  if (inner !== undefined) refuseSlips(inner, config.ipam?.raw ?? {}, ipamKeys);
  if (inner?.ok && config.ipam?.type === undefined) {
    at.fault("ipam", `has no "type": give one, as "${ownIpam}", or leave "ipam" out`);
  }
  const from = [{ at, where: "" }, ...(inner === undefined ? [] : [{ at: inner, where: "ipam." }])];
  const network = networkOf(from, config, faults);
  const defaultRoute = at.flag("defaultRoute");
  const parsed: PluginConfig = {
    ...network,
    nodeConfig: nodeConfigAt(at) ?? (inner && nodeConfigAt(inner)),
    defaultRoute: defaultRoute === undefined ? "if absent" : defaultRoute ? "set" : "none",
    routes: inner === undefined ? [] : routesOf(inner, faults),
    resolvConf: inner?.text("resolvConf"),
    foreignIpam,
  };
  faults.settle("invalid-config", `Cannot use network configuration "${config.name}"`);
  return parsed;
}

/** Reads the configuration of the IPAM plugin, which is in `ipam`. */
export function parseIpamConfig(config: Config): PluginConfig {
  const faults = collectFaults();
  const inner = faults.object(config.raw, "").inner("ipam");
  if (inner === undefined) faults.add('"ipam" is missing');
  else refuseSlips(inner, config.ipam?.raw ?? {}, ipamKeys);
  const parsed: PluginConfig = {
    ...networkOf(inner === undefined ? [] : [{ at: inner, where: "ipam." }], config, faults),
    nodeConfig: inner && nodeConfigAt(inner),
    defaultRoute: "none",
    routes: inner === undefined ? [] : routesOf(inner, faults),
    resolvConf: inner?.text("resolvConf"),
    foreignIpam: undefined,
  };
  faults.settle("invalid-config", `Cannot use network configuration "${config.name}"`);
  return parsed;
}

/** A plugin's working directory is the runtime's: a relative path would mean nothing. */
const nodeConfigAt = (at: Reader): string | undefined =>
  at.parsed("nodeConfig", "an absolute path", (text) => (text.startsWith("/") ? text : undefined));

/** Where the configuration says that node.json is; faults in it are none of DEL's business. */
export function nodeConfigOf(config: Config): string | undefined {
  const stated = config.raw.nodeConfig ?? config.ipam?.raw.nodeConfig;
  return typeof stated === "string" ? stated : undefined;
}

/** The type of a foreign IPAM plugin; undefined for ours. */
export const foreignIpamOf = ({ ipam }: Config): string | undefined =>
  ipam?.type === ownIpam ? undefined : ipam?.type;

/** A part of the configuration that may hold a network's keys. */
interface Source {
  readonly at: Reader;
  /** Its place, for messages: "", or "ipam.". */
  readonly where: string;
}

/** A key may stand beside `ipam` or in it; the first source that has it counts. */
function networkOf(from: readonly Source[], config: Config, faults: Faults) {
  const first = <T>(read: (at: Reader) => T | undefined): T | undefined => {
    for (const { at } of from) {
      const value = read(at);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const network =
    first((at) => at.parsed("network", "a network name", parseNetworkName)) ?? config.name;
  if (parseNetworkName(network) === undefined) {
    faults.add(`"name" ${network} is too long for a network's: give "network"`);
  }
  const subnet = first((at) => subnetAt(at, "subnet"));
  const ranges = rangesOf(from, config, faults);
  if (subnet !== undefined && ranges.subnet !== undefined && !same(subnet, ranges.subnet)) {
    faults.add(
      `"subnet" ${formatPrefix4(subnet)} and ${formatPrefix4(ranges.subnet)} of the ranges are not the same`,
    );
  }
  const settings = {
    subnet6: first((at) => at.parsed("subnet6", "an IPv6 prefix", parsePrefix6)) ?? ranges.subnet6,
    gateway: first((at) => at.parsed("gateway", "an IPv4 address", parseIp4)) ?? ranges.gateway,
    range:
      first((at) => at.parsed("ipRange", "a prefix or a range", parseRange)) ??
      first((at) => readEnds(at, subnet).range) ??
      ranges.range,
    blockLength: first((at) => at.integer("blockLength", 8, 30)),
    vni: first((at) => at.integer("vni", 1, maxVni)),
    mtu: first((at) => at.integer("mtu", 576, 65535)),
    masquerade: first((at) => at.flag("masquerade")),
  };
  const wanted = subnet ?? ranges.subnet;
  if (wanted !== undefined) {
    return { network, spec: { name: network, subnet: wanted, ...settings } };
  }
  const isSet = Object.values(settings).some((value) => value !== undefined);
  if (isSet && !from.some(({ at }) => at.has("subnet"))) {
    faults.add('"subnet" is missing: a network has an IPv4 one, and its other settings need it');
  }
  return { network, spec: undefined };
}

const same = (a: Prefix4, b: Prefix4): boolean => a.base === b.base && a.length === b.length;

/** `ranges`, and what the runtime gives in its place (the capability ipRanges). */
function rangesOf(from: readonly Source[], config: Config, faults: Faults): Ranges {
  const { runtimeConfig } = config.raw;
  const asked = isObject(runtimeConfig) ? runtimeConfig.ipRanges : undefined;
  let ranges: Ranges = {};
  for (const { at, where } of from) {
    ranges = { ...ranges, ...readSets(at.raw("ranges"), `${where}ranges`, faults) };
  }
  return { ...ranges, ...readSets(asked, "runtimeConfig.ipRanges", faults) };
}

function routesOf(at: Reader, faults: Faults): readonly WantedRoute[] {
  const entries = at.list("routes");
  if (entries === undefined) return [];
  return entries.flatMap((entry, index): WantedRoute[] => {
    const route = faults.object(entry, `ipam.routes[${index}]`);
    const options = {
      ...given("mtu", route.integer("mtu", 0, 65535)),
      ...given("advmss", route.integer("advmss", 0, 65535)),
      ...given("priority", route.integer("priority", 0, 2 ** 32 - 1)),
      ...given("table", route.integer("table", 0, 2 ** 32 - 1)),
      ...given("scope", route.integer("scope", 0, 255)),
    };
    if (route.ok && !route.has("dst")) route.fault("dst", "is missing");
    const to = route.parsed("dst", "a prefix", parseDestination);
    if (to?.family === 4) {
      const via = given("via", route.parsed("gw", "an IPv4 address", parseIp4));
      return [{ family: 4, ...destination(to.prefix), ...via, options }];
    }
    if (to?.family === 6) {
      const via = given("via", route.parsed("gw", "an IPv6 address", parseIp6));
      return [{ family: 6, ...destination(to.prefix), ...via, options }];
    }
    return [];
  });
}

/** Host bits are cleared, as people write 10.2.0.1/16 for a route to 10.2.0.0/16. */
function parseDestination(text: string) {
  const cidr4 = parseCidr4(text);
  if (cidr4 !== undefined) {
    return { family: 4, prefix: prefix4Of(cidr4.address, cidr4.length) } as const;
  }
  const cidr6 = parseCidr6(text);
  if (cidr6 === undefined) return undefined;
  return { family: 6, prefix: prefix6Of(cidr6.address, cidr6.length) } as const;
}

/** A prefix of length 0 is the default route. */
const destination = <T extends { readonly length: number }>(to: T) =>
  to.length === 0 ? {} : { to };

const given = <K extends string, T>(key: K, value: T | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };

function refuseSlips(
  at: Reader,
  raw: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): void {
  for (const key of Object.keys(raw)) {
    if (keys.includes(key) || otherKeys.includes(key) || key.includes("/")) continue;
    const meant = nearest(key, keys);
    if (meant !== undefined) at.fault(key, `is not a known key: did you mean "${meant}"?`);
  }
}
