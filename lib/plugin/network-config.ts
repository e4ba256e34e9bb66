/** The network that a configuration wants, read from the places where its keys may stand. */
import type { Config } from "../cni/config.ts";
import type { Faults, Reader } from "../faults.ts";
import { maxVni, parseNetworkName, parseRange } from "../ipam/network.ts";
import { isObject } from "../json.ts";
import { parseIp4 } from "../net/ip4.ts";
import { formatPrefix4, type Prefix4, parsePrefix6 } from "../net/prefix.ts";
import { type Ranges, readEnds, readSets, subnetAt } from "./ranges.ts";

/** A part of the configuration that may hold a network's keys. */
export interface Source {
  readonly at: Reader;
  /** Its place, for messages: "", or "ipam.". */
  readonly where: string;
}

/** A key may stand beside `ipam` or in it; the first source that has it counts. */
export function networkOf(from: readonly Source[], config: Config, faults: Faults) {
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
