/**
 * Results of any version, read into the one shape: a configuration's prevResult, and what a
 * delegate prints. See run.ts for the folder's note.
 */
import type { Faults, Reader } from "../faults.ts";
import { parseIp4 } from "../net/ip4.ts";
import { parseIp6 } from "../net/ip6.ts";
import { parseMac } from "../net/mac.ts";
import { parseCidr4, parseCidr6, prefix4Of, prefix6Of } from "../net/prefix.ts";
import { inAnyCase, text, texts } from "./lenient.ts";
import {
  type Dns,
  type ForeignMac,
  noDns,
  type Result,
  type ResultInterface,
  type ResultIp,
  type ResultRoute,
  type RouteOptions,
} from "./result.ts";
import { asVersion, isAtLeast, isUnstated, type Version, versions } from "./versions.ts";

const resultKeys = ["cniVersion", "interfaces", "ips", "ip4", "ip6", "routes", "dns"];
const interfaceKeys = ["name", "mac", "mtu", "sandbox", "socketPath", "pciID"];
const ipKeys = ["ip", "address", "gateway", "interface", "routes"];
const routeKeys = ["dst", "gw", "mtu", "advmss", "priority", "table", "scope"];
const dnsKeys = ["nameservers", "domain", "search", "options"];

const largest = 0xffffffff;

/**
 * Reads a result of its own version or, where it states none, of `otherwise`; undefined if it is
 * of a version that we don't speak. Unknown keys are passed over.
 */
export function parseResult(
  json: unknown,
  otherwise: Version,
  faults: Faults,
  where: string,
): Result | undefined {
  const at = read(json, resultKeys, faults, where);
  const stated = at.raw("cniVersion");
  const version = isUnstated(stated) ? otherwise : asVersion(stated);
  if (version === undefined) {
    at.fault("cniVersion", `must be one of ${versions.join(", ")}`);
    return undefined;
  }
  const place = { at, faults, where };
  return {
    ...(isAtLeast(version, "0.3.0") ? since030(place) : before030(place)),
    dns: at.has("dns") ? parseDns(at.raw("dns"), faults, `${where}.dns`) : noDns,
  };
}

/** An object, and where it is, for messages. */
interface Place {
  readonly at: Reader;
  readonly faults: Faults;
  readonly where: string;
}

const since030 = (place: Place) => ({
  interfaces: each(place, "interfaces", interfaceKeys, interfaceOf),
  ips: each(place, "ips", ipKeys, (at) => ipOf(at, "address")),
  routes: each(place, "routes", routeKeys, routeOf),
});

/** One address of each family, with the routes of its family. */
function before030({ at, faults, where }: Place) {
  const families = ["ip4", "ip6"]
    .filter((key) => at.has(key))
    .map((key) => ({
      at: read(at.raw(key), ipKeys, faults, `${where}.${key}`),
      faults,
      where: `${where}.${key}`,
    }));
  return {
    interfaces: [],
    ips: families.flatMap((family) => ipOf(family.at, "ip") ?? []),
    routes: families.flatMap((family) => each(family, "routes", routeKeys, routeOf)),
  };
}

function each<T>(
  { at, faults, where }: Place,
  key: string,
  keys: readonly string[],
  parse: (reader: Reader) => T | undefined,
): readonly T[] {
  return (at.list(key) ?? []).flatMap(
    (entry, index) => parse(read(entry, keys, faults, `${where}.${key}[${index}]`)) ?? [],
  );
}

const read = (json: unknown, keys: readonly string[], faults: Faults, where: string): Reader =>
  faults.object(inAnyCase(json, keys), where);

function interfaceOf(at: Reader): ResultInterface {
  const mac = text(at, "mac");
  return {
    name: at.text("name") ?? "",
    mac: mac === undefined ? undefined : (parseMac(mac) ?? (mac as ForeignMac)),
    mtu: at.integer("mtu", 0, largest) || undefined,
    sandbox: text(at, "sandbox"),
    socketPath: text(at, "socketPath"),
    pciId: text(at, "pciID"),
  };
}

function ipOf(at: Reader, key: "address" | "ip"): ResultIp | undefined {
  if (at.ok && !at.has(key)) at.fault(key, "is missing");
  const index = at.integer("interface", 0, largest);
  const cidr = at.parsed(key, "an address and its prefix length", parseCidr);
  if (cidr === undefined) return undefined;
  return cidr.family === 4
    ? { ...cidr, gateway: gateway4(at, "gateway"), interface: index }
    : { ...cidr, gateway: gateway6(at, "gateway"), interface: index };
}

function routeOf(at: Reader): ResultRoute | undefined {
  if (at.ok && !at.has("dst")) at.fault("dst", "is missing");
  const options = optionsOf(at);
  const cidr = at.parsed("dst", "an address and its prefix length", parseCidr);
  if (cidr === undefined) return undefined;
  return cidr.family === 4
    ? { family: 4, dst: prefix4Of(cidr.address, cidr.length), gateway: gateway4(at, "gw"), options }
    : {
        family: 6,
        dst: prefix6Of(cidr.address, cidr.length),
        gateway: gateway6(at, "gw"),
        options,
      };
}

/** mtu, advmss and priority 0 mean none; table and scope 0 are values. */
function optionsOf(at: Reader): RouteOptions {
  const options: { -readonly [key in keyof RouteOptions]: RouteOptions[key] } = {};
  for (const key of ["mtu", "advmss", "priority", "table", "scope"] as const) {
    const value = at.integer(key, 0, largest);
    if (value === undefined) continue;
    if (value !== 0 || key === "table" || key === "scope") options[key] = value;
  }
  return options;
}

/** The `dns` of a result or of a configuration. */
export function parseDns(json: unknown, faults: Faults, where: string): Dns {
  const at = read(json, dnsKeys, faults, where);
  return {
    nameservers: texts(at, "nameservers"),
    domain: text(at, "domain"),
    search: texts(at, "search"),
    options: texts(at, "options"),
  };
}

function parseCidr(value: string) {
  const cidr4 = parseCidr4(value);
  if (cidr4 !== undefined) return { family: 4, ...cidr4 } as const;
  const cidr6 = parseCidr6(value);
  return cidr6 === undefined ? undefined : ({ family: 6, ...cidr6 } as const);
}

const gateway4 = (at: Reader, key: string) =>
  text(at, key) === undefined ? undefined : at.parsed(key, "an IPv4 address", parseIp4);

const gateway6 = (at: Reader, key: string) =>
  text(at, key) === undefined ? undefined : at.parsed(key, "an IPv6 address", parseIp6);
