/** `ipam.routes`: what a container is to reach beside its default route, as host-local has it. */
import type { WantedRoute } from "../attach/plan.ts";
import type { Faults, Reader } from "../faults.ts";
import { parseIp4 } from "../net/ip4.ts";
import { parseIp6 } from "../net/ip6.ts";
import { parseCidr4, parseCidr6, prefix4Of, prefix6Of } from "../net/prefix.ts";

export function routesOf(at: Reader, faults: Faults): readonly WantedRoute[] {
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
