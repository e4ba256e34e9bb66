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
import { collectFaults, nearest, type Reader } from "../faults.ts";
import type { NetworkSpec } from "../ipam/network.ts";
import { networkOf } from "./network-config.ts";
import { routesOf } from "./routes.ts";

/** The capabilities that the interface plugin, or its delegate, does something about. */
export const honoured = ["ips", "mac", "dns", "aliases", "ipRanges", "bandwidth"];

/** The IPAM plugin whose work is done in this process. */
const ownIpam = "socketplane-ipam";

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
  refuseList(at);
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
  const at = faults.object(config.raw, "");
  refuseList(at);
  const inner = at.inner("ipam");
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

/** Without a word, the settings in it would count for nothing. */
function refuseList(at: Reader): void {
  if (!at.has("plugins")) return;
  at.fault(
    "plugins",
    "is a network list's: give a plugin its own entry, with the list's name and cniVersion",
  );
}

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
