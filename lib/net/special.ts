/**
 * Which addresses no network may have, by ipaddr.js's knowledge of the IANA registries.
 *
 * A file of its own, loaded only when a network is made: see ip4.ts for what importing it costs.
 */
import ipaddr from "ipaddr.js";
import { formatIp4 } from "./ip4.ts";
import { formatIp6, type Ip6 } from "./ip6.ts";
import { last4, type Prefix4, type Prefix6 } from "./prefix.ts";

const refused = new Set([
  "unspecified",
  "broadcast",
  "multicast",
  "linkLocal",
  "loopback",
  "ipv4Mapped",
]);

/** The kind of address that the prefix begins or ends with, if no network may have it. */
export function specialRange(prefix: Prefix4 | Prefix6): string | undefined {
  return ends(prefix)
    .map((address) => ipaddr.parse(address).range())
    .find((range) => refused.has(range));
}

function ends(prefix: Prefix4 | Prefix6): readonly string[] {
  if (typeof prefix.base === "number") {
    return [formatIp4(prefix.base), formatIp4(last4(prefix as Prefix4))];
  }
  const last = prefix.base | ((1n << BigInt(128 - prefix.length)) - 1n);
  return [formatIp6(prefix.base), formatIp6(last as Ip6)];
}
