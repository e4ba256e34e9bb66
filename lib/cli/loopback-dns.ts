/** Whether a run can ask for names: pure. See main.ts for the folder's note. */
import { parseIp4 } from "../net/ip4.ts";
import { formatIp6, parseIp6 } from "../net/ip6.ts";

/**
 * What to say of a resolv.conf(5) whose nameservers are all at loopback addresses, as systemd-resolved
 * writes it: a run's loopback is its own. Undefined where one is elsewhere, or none is named.
 */
export function loopbackWarning(resolvConf: string): string | undefined {
  const named = Array.from(resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm), ([, at = ""]) => at);
  if (named.length === 0 || !named.every(isLoopback)) return undefined;
  return [
    `socketplane: Names are not found here: /etc/resolv.conf names only ${named.join(", ")}`,
    "  A run's loopback is its own. Name a server there that is reached over the network; with",
    "  systemd-resolved: ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf",
    "",
  ].join("\n");
}

function isLoopback(text: string): boolean {
  if (parseIp4(text) !== undefined) return text.startsWith("127.");
  const ip6 = parseIp6(text);
  return ip6 !== undefined && formatIp6(ip6) === "::1";
}
