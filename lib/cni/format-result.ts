/**
 * A result in the words of each version: what an older one can't say is left out, as libcni's
 * converters do (pkg/types/100, 040 and 020). See run.ts for the folder's note.
 */
import { Failure } from "../errors.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix4, formatPrefix6 } from "../net/prefix.ts";
import type { Dns, Result, ResultInterface, ResultIp, ResultRoute } from "./result.ts";
import { isAtLeast, type Version } from "./versions.ts";

/**
 * One line of JSON. Throws Failure "incompatible-version" where the version has no way to say it:
 * before 0.3.0 a result has an address.
 */
export function formatResult(result: Result, cniVersion: Version): string {
  const body = isAtLeast(cniVersion, "0.3.0")
    ? since030(result, cniVersion)
    : before030(result, cniVersion);
  return JSON.stringify({ cniVersion, ...body, dns: dnsJson(result.dns) });
}

function since030(result: Result, version: Version) {
  const isLatest = isAtLeast(version, "1.0.0");
  return {
    interfaces: unlessEmpty(result.interfaces.map(isLatest ? interfaceJson : oldInterfaceJson)),
    ips: unlessEmpty(result.ips.map(isLatest ? ipJson : oldIpJson)),
    routes: unlessEmpty(result.routes.map(routeJson)),
  };
}

/** The first address of each family, and the routes of its family. */
function before030(result: Result, version: Version) {
  const [ip4, ip6] = ([4, 6] as const).map((family) => {
    const ip = result.ips.find((one) => one.family === family);
    if (ip === undefined) return undefined;
    const routes = result.routes.filter((route) => route.family === family);
    return { ip: addressText(ip), gateway: gatewayText(ip), routes: unlessEmpty(routes.map(hop)) };
  });
  if (ip4 === undefined && ip6 === undefined) {
    throw new Failure(
      "incompatible-version",
      `Cannot convert the result to CNI ${version}: no valid IP addresses`,
    );
  }
  return { ip4, ip6 };
}

const oldInterfaceJson = ({ name, mac, sandbox }: ResultInterface) => ({
  name,
  mac: typeof mac === "number" ? formatMac(mac) : mac,
  sandbox,
});

const interfaceJson = (one: ResultInterface) => ({
  ...oldInterfaceJson(one),
  mtu: one.mtu,
  socketPath: one.socketPath,
  pciID: one.pciId,
});

const ipJson = (ip: ResultIp) => ({
  address: addressText(ip),
  gateway: gatewayText(ip),
  interface: ip.interface,
});

const oldIpJson = (ip: ResultIp) => ({ version: String(ip.family), ...ipJson(ip) });

const hop = (route: ResultRoute) => ({
  dst: route.family === 4 ? formatPrefix4(route.dst) : formatPrefix6(route.dst),
  gw: gatewayText(route),
});

const routeJson = (route: ResultRoute) => ({ ...hop(route), ...route.options });

const addressText = (ip: ResultIp): string =>
  `${ip.family === 4 ? formatIp4(ip.address) : formatIp6(ip.address)}/${ip.length}`;

function gatewayText(one: ResultIp | ResultRoute): string | undefined {
  if (one.family === 4) return one.gateway === undefined ? undefined : formatIp4(one.gateway);
  return one.gateway === undefined ? undefined : formatIp6(one.gateway);
}

function dnsJson({ nameservers, domain = "", search, options }: Dns) {
  if (domain === "" && nameservers.length + search.length + options.length === 0) return undefined;
  return {
    nameservers: unlessEmpty(nameservers),
    domain: domain === "" ? undefined : domain,
    search: unlessEmpty(search),
    options: unlessEmpty(options),
  };
}

const unlessEmpty = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length === 0 ? undefined : list;
