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
import {
  maxVni,
  type NetworkSpec,
  parseNetworkName,
  parseRange,
  type Range,
} from "../ipam/network.ts";
import { type Ip4, parseIp4 } from "../net/ip4.ts";
import { type Ip6, parseIp6 } from "../net/ip6.ts";
import {
  last4,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
  prefix4Of,
} from "../net/prefix.ts";

/** The types whose work is done in this process. */
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
  if (at.has("ipam") && config.ipam?.type === undefined) at.fault("ipam", 'has no "type"');
  const from = inner === undefined ? [at] : [at, inner];
  const network = networkOf(from, config.name, faults);
  const defaultRoute = at.flag("defaultRoute");
  const parsed: PluginConfig = {
    ...network,
    nodeConfig: at.text("nodeConfig") ?? inner?.text("nodeConfig"),
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
    ...networkOf(inner === undefined ? [] : [inner], config.name, faults),
    nodeConfig: inner?.text("nodeConfig"),
    defaultRoute: "none",
    routes: inner === undefined ? [] : routesOf(inner, faults),
    resolvConf: inner?.text("resolvConf"),
    foreignIpam: undefined,
  };
  faults.settle("invalid-config", `Cannot use network configuration "${config.name}"`);
  return parsed;
}

/** Where the configuration says that node.json is; faults in it are none of DEL's business. */
export function nodeConfigOf(config: Config): string | undefined {
  const stated = config.raw.nodeConfig ?? config.ipam?.raw.nodeConfig;
  return typeof stated === "string" ? stated : undefined;
}

/** The type of a foreign IPAM plugin; undefined for ours. */
export const foreignIpamOf = ({ ipam }: Config): string | undefined =>
  ipam?.type === ownIpam ? undefined : ipam?.type;

/** A key may stand beside `ipam` or in it; the first reader that has it counts. */
function networkOf(from: readonly Reader[], name: string, faults: Faults) {
  const first = <T>(read: (at: Reader) => T | undefined): T | undefined => {
    for (const at of from) {
      const value = read(at);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const network = first((at) => at.parsed("network", "a network name", parseNetworkName)) ?? name;
  if (parseNetworkName(network) === undefined) {
    faults.add(`"name" ${network} is too long for a network's: give "network"`);
  }
  const ranges = rangesOf(from, faults);
  const subnet = first((at) => at.parsed("subnet", "an IPv4 prefix", subnetOf)) ?? ranges.subnet;
  const settings = {
    name: network,
    subnet6: first((at) => at.parsed("subnet6", "an IPv6 prefix", parsePrefix6)) ?? ranges.subnet6,
    gateway: first((at) => at.parsed("gateway", "an IPv4 address", parseIp4)) ?? ranges.gateway,
    range: first((at) => at.parsed("ipRange", "a prefix or a range", parseRange)) ?? ranges.range,
    blockLength: first((at) => at.integer("blockLength", 8, 30)),
    vni: first((at) => at.integer("vni", 1, maxVni)),
    mtu: first((at) => at.integer("mtu", 576, 65535)),
    masquerade: first((at) => at.flag("masquerade")),
  };
  const set = Object.entries(settings).filter(
    ([key, value]) => key !== "name" && value !== undefined,
  );
  if (subnet === undefined && set.length > 0) {
    faults.add('"subnet" is missing: the other settings of a network need it');
  }
  return { network, spec: subnet === undefined ? undefined : { ...settings, subnet } };
}

/** host-local takes 10.2.0.1/16 for 10.2.0.0/16. */
function subnetOf(text: string): Prefix4 | undefined {
  const exact = parsePrefix4(text);
  if (exact !== undefined) return exact;
  const [address = "", length = ""] = text.split("/");
  const ip = parseIp4(address);
  return ip !== undefined && /^\d{1,2}$/.test(length) && Number(length) <= 32
    ? prefix4Of(ip, Number(length))
    : undefined;
}

interface Ranges {
  readonly subnet?: Prefix4;
  readonly subnet6?: Prefix6;
  readonly gateway?: Ip4;
  readonly range?: Range;
}

/** host-local's `ranges`, and its older `rangeStart` and `rangeEnd` beside `subnet`. */
function rangesOf(from: readonly Reader[], faults: Faults): Ranges {
  const found: { -readonly [K in keyof Ranges]: Ranges[K] } = {};
  for (const at of from) {
    const subnet = at.has("subnet") ? subnetOf(String(at.raw("subnet"))) : undefined;
    readRange(at, subnet, found);
    for (const [set, entry] of (at.list("ranges") ?? []).entries()) {
      const list = Array.isArray(entry) ? entry : [];
      if (list.length !== 1) at.fault(`ranges[${set}]`, "must be a list of one range");
      for (const one of list.slice(0, 1))
        readRangeOf(faults.object(one, `ranges[${set}][0]`), found);
    }
  }
  return found;
}

function readRangeOf(at: Reader, found: { -readonly [K in keyof Ranges]: Ranges[K] }): void {
  const text = at.text("subnet") ?? "";
  const subnet = subnetOf(text);
  const subnet6 = parsePrefix6(text);
  if (subnet === undefined && subnet6 === undefined) at.fault("subnet", "must be a prefix");
  const again = subnet === undefined ? found.subnet6 : found.subnet;
  if (again !== undefined) at.fault("subnet", "is one too many: a network has one of each family");
  if (subnet6 !== undefined && subnet === undefined) {
    found.subnet6 = subnet6;
    return;
  }
  if (subnet === undefined) return;
  found.subnet = subnet;
  const gateway = at.parsed("gateway", "an IPv4 address", parseIp4);
  if (gateway !== undefined) found.gateway = gateway;
  readRange(at, subnet, found);
}

function readRange(
  at: Reader,
  subnet: Prefix4 | undefined,
  found: { -readonly [K in keyof Ranges]: Ranges[K] },
): void {
  if (!at.has("rangeStart") && !at.has("rangeEnd")) return;
  const first = at.parsed("rangeStart", "an IPv4 address", parseIp4);
  const last = at.parsed("rangeEnd", "an IPv4 address", parseIp4);
  if (subnet === undefined) return;
  const range = { first: first ?? subnet.base, last: last ?? last4(subnet) };
  if (range.first > range.last) at.fault("rangeEnd", 'must not be below "rangeStart"');
  found.range = range;
}

function routesOf(at: Reader, faults: Faults): readonly WantedRoute[] {
  return (at.list("routes") ?? []).flatMap((entry, index): WantedRoute[] => {
    const route = faults.object(entry, `routes[${index}]`);
    const dst = route.text("dst") ?? "";
    const gw = route.text("gw");
    const options = {
      ...given("mtu", route.integer("mtu", 0, 65535)),
      ...given("advmss", route.integer("advmss", 0, 65535)),
      ...given("priority", route.integer("priority", 0, 2 ** 32 - 1)),
      ...given("table", route.integer("table", 0, 2 ** 32 - 1)),
      ...given("scope", route.integer("scope", 0, 255)),
    };
    const to4 = subnetOf(dst);
    const via4 = gw === undefined ? undefined : parseIp4(gw);
    if (to4 !== undefined && (gw === undefined || via4 !== undefined)) {
      return [{ family: 4, ...destination(to4), ...given("via", via4), options }];
    }
    const to6 = parsePrefix6(dst);
    const via6: Ip6 | undefined = gw === undefined ? undefined : parseIp6(gw);
    if (to6 !== undefined && (gw === undefined || via6 !== undefined)) {
      return [{ family: 6, ...destination(to6), ...given("via", via6), options }];
    }
    route.fault("dst", 'must be a prefix, and "gw" an address of its family');
    return [];
  });
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
  const known = new Set([...keys, ...otherKeys]);
  for (const key of Object.keys(raw)) {
    if (known.has(key) || key.includes("/")) continue;
    const meant = nearest(key, keys);
    if (meant !== undefined) at.fault(key, `is not a known key: did you mean "${meant}"?`);
  }
}
