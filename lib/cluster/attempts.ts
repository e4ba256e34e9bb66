/** Who asks with wrong tokens again and again is not listened to for a while: pure, but its clock. */
import type { Clock } from "../deadline.ts";
import { parseIp6 } from "../net/ip6.ts";

export interface Attempts {
  readonly mayTry: (from: string) => boolean;
  /** It was wrong. Gives whether that was the last for now: then it is worth a line of the log. */
  readonly failed: (from: string) => "more" | "last";
}

const limits = { wrong: 5, forMs: 60_000, remembered: 1_000 } as const;

/** fe80::/10 (RFC 4291 section 2.5.6): its first ten bits. */
const linkLocal = 0xfe80n >> 6n;

/** `own` is the address of our VTEP. */
export function openAttempts(clock: Clock, own?: string): Attempts {
  /** By address, the one that failed first in front. */
  const wrong = new Map<string, { count: number; readonly since: number }>();
  const known = (from: string) => {
    const found = wrong.get(from);
    if (found === undefined || clock() - found.since < limits.forMs) return found;
    wrong.delete(from);
    return undefined;
  };
  return {
    mayTry: (from) => (known(sourceOf(from, own))?.count ?? 0) < limits.wrong,
    failed: (address) => {
      const from = sourceOf(address, own);
      const found = known(from) ?? { count: 0, since: clock() };
      found.count += 1;
      wrong.set(from, found);
      const [oldest] = wrong.keys();
      if (wrong.size > limits.remembered && oldest !== undefined) wrong.delete(oldest);
      return found.count < limits.wrong ? "more" : "last";
    },
  };
}

/**
 * What stands for whoever asks from an address: of IPv6 its /64, as who has one of these has all of
 * them. On the link of our VTEP, `own`, that would be the whole underlay: there it is the address.
 */
export function sourceOf(address: string, own?: string): string {
  const ip6 = parseIp6(address.replace(/%.*$/, ""));
  if (ip6 === undefined) return address;
  const prefix = ip6 >> 64n;
  const ours = own === undefined ? undefined : parseIp6(own);
  const isOnLink = prefix >> 54n === linkLocal || (ours !== undefined && prefix === ours >> 64n);
  return isOnLink ? address : String(prefix);
}
