/** Who asks with wrong tokens again and again is not listened to for a while: pure, but its clock. */
import type { Clock } from "../deadline.ts";
import { parseIp6 } from "../net/ip6.ts";

export interface Attempts {
  readonly mayTry: (from: string) => boolean;
  /** It was wrong. Gives whether that was the last for now: then it is worth a line of the log. */
  readonly failed: (from: string) => "more" | "last";
}

const limits = { wrong: 5, forMs: 60_000, remembered: 1_000 } as const;

export function openAttempts(clock: Clock): Attempts {
  /** By address, the one that failed first in front. */
  const wrong = new Map<string, { count: number; readonly since: number }>();
  const known = (from: string) => {
    const found = wrong.get(from);
    if (found === undefined || clock() - found.since < limits.forMs) return found;
    wrong.delete(from);
    return undefined;
  };
  return {
    mayTry: (from) => (known(sourceOf(from))?.count ?? 0) < limits.wrong,
    failed: (address) => {
      const from = sourceOf(address);
      const found = known(from) ?? { count: 0, since: clock() };
      found.count += 1;
      wrong.set(from, found);
      const [oldest] = wrong.keys();
      if (wrong.size > limits.remembered && oldest !== undefined) wrong.delete(oldest);
      return found.count < limits.wrong ? "more" : "last";
    },
  };
}

/** Of IPv6, who has one address of a /64 has all of them. */
function sourceOf(address: string): string {
  const ip6 = parseIp6(address.replace(/%.*$/, ""));
  return ip6 === undefined ? address : String(ip6 >> 64n);
}
