/**
 * What the runtime asks for this one attachment. See run.ts for the folder's note.
 *
 * An address or a MAC may be asked for in three ways, and only the first that does is read:
 * `runtimeConfig` (capabilities), then `args.cni`, then CNI_ARGS, which is deprecated and which a
 * plugin must ignore beside the others (CONVENTIONS.md).
 */

import { type Faults, type Reader, shown } from "../faults.ts";
import { isObject } from "../json.ts";
import { type Ip4, parseIp4 } from "../net/ip4.ts";
import { type Ip6, parseIp6 } from "../net/ip6.ts";
import { type Mac, parseMac } from "../net/mac.ts";
import { type Cidr4, parseCidr4, parseCidr6 } from "../net/prefix.ts";
import {
  asksAnything,
  type Bandwidth,
  bandwidthOf,
  capabilitiesOf,
  dnsOf,
  type PortMapping,
  portMappingsOf,
} from "./capabilities.ts";
import type { CniArgs } from "./cni-args.ts";
import { texts } from "./lenient.ts";
import type { Dns } from "./result.ts";

export interface Requested {
  readonly ips: readonly RequestedIp[];
  readonly mac: Mac | undefined;
  /** CNI_ARGS SOCKETPLANE_CIDR. */
  readonly cidr: Cidr4 | undefined;
  /** CNI_ARGS K8S_*, for people. */
  readonly workload: Readonly<Record<string, string>>;
  /** args.cni.labels; what isn't of the convention's shape is passed over. */
  readonly labels: readonly Label[];
  readonly dns: Dns | undefined;
  readonly portMappings: readonly PortMapping[];
  readonly bandwidth: Bandwidth | undefined;
  readonly aliases: readonly string[];
  /** As it came: of the same form as host-local's `ipam.ranges`. */
  readonly ipRanges: unknown;
  /** All of runtimeConfig that asks for anything. */
  readonly capabilities: ReadonlyMap<string, unknown>;
}

/** What a runtime asks for that asks for nothing. */
export const nothingRequested: Requested = {
  ips: [],
  mac: undefined,
  cidr: undefined,
  workload: {},
  labels: [],
  dns: undefined,
  portMappings: [],
  bandwidth: undefined,
  aliases: [],
  ipRanges: undefined,
  capabilities: new Map(),
};

export type RequestedIp =
  | { readonly family: 4; readonly address: Ip4; readonly length: number | undefined }
  | { readonly family: 6; readonly address: Ip6; readonly length: number | undefined };

export interface Label {
  readonly key: string;
  readonly value: string;
}

const address = "an address, with or without a prefix length";

/** Reads `runtimeConfig` and `args.cni` of a configuration, and what CNI_ARGS asks for. */
export function parseRequested(config: Reader, args: CniArgs, faults: Faults): Requested {
  const runtime = config.inner("runtimeConfig");
  const cni = config.inner("args")?.inner("cni");
  const capabilities = capabilitiesOf(config.raw("runtimeConfig"));
  const asking = (key: string) => {
    if (capabilities.has(key)) return runtime;
    return asksAnything(cni?.raw(key)) ? cni : undefined;
  };
  const read = <T>(key: string, parse: (value: unknown, where: string, faults: Faults) => T) =>
    capabilities.has(key)
      ? parse(capabilities.get(key), `runtimeConfig.${key}`, faults)
      : undefined;
  const ips = asking("ips");
  const mac = asking("mac");
  return {
    ips: ips === undefined ? ipOf(args.asked) : ipsOf(ips),
    mac: mac === undefined ? args.asked.parsed("MAC", "a MAC", parseMac) : macOf(mac),
    cidr: args.asked.parsed("SOCKETPLANE_CIDR", "an IPv4 address/prefix length", parseCidr4),
    workload: args.workload,
    labels: labelsOf(cni?.raw("labels")),
    dns: read("dns", dnsOf),
    portMappings: read("portMappings", portMappingsOf) ?? [],
    bandwidth: read("bandwidth", bandwidthOf),
    aliases: runtime !== undefined && capabilities.has("aliases") ? aliasesOf(runtime) : [],
    ipRanges: capabilities.get("ipRanges"),
    capabilities,
  };
}

/** A list of names (CONVENTIONS.md); podman writes one for each network, by the network's name. */
function aliasesOf(runtime: Reader): readonly string[] {
  const given = runtime.raw("aliases");
  if (!isObject(given)) return texts(runtime, "aliases");
  const at = runtime.inner("aliases");
  return at === undefined ? [] : Object.keys(given).flatMap((network) => texts(at, network));
}

const macOf = (at: Reader): Mac | undefined => at.parsed("mac", "a MAC", parseMac);

function ipOf(asked: Reader): readonly RequestedIp[] {
  const ip = asked.parsed("IP", address, parseRequestedIp);
  return ip === undefined ? [] : [ip];
}

function ipsOf(at: Reader): readonly RequestedIp[] {
  return texts(at, "ips").flatMap((text, index) => {
    const ip = parseRequestedIp(text);
    if (ip === undefined) at.fault(`ips[${index}]`, `must be ${address}, not ${shown(text)}`);
    return ip ?? [];
  });
}

function parseRequestedIp(text: string): RequestedIp | undefined {
  const cidr4 = text.includes("/") ? parseCidr4(text) : alone(parseIp4(text));
  if (cidr4 !== undefined) return { family: 4, ...cidr4 };
  const cidr6 = text.includes("/") ? parseCidr6(text) : alone(parseIp6(text));
  return cidr6 === undefined ? undefined : { family: 6, ...cidr6 };
}

const alone = <T>(found: T | undefined) =>
  found === undefined ? undefined : { address: found, length: undefined };

function labelsOf(value: unknown): readonly Label[] {
  const labels: Label[] = [];
  for (const entry of Array.isArray(value) ? value : []) {
    if (!isObject(entry)) continue;
    const { key, value: text } = entry;
    if (typeof key === "string" && typeof text === "string") labels.push({ key, value: text });
  }
  return labels;
}
