/** Finds clusters on a segment by multicast DNS. What is found is what somebody says. */
import { type Found, openHeard, service } from "./announcement.ts";
import type { JoinDrivers } from "./drivers.ts";

export type { Found } from "./announcement.ts";

export interface Search {
  /** The interface's own address. */
  readonly address: string;
  /** Milliseconds to look for answers. */
  readonly patienceMs: number;
  /** Only clusters of this authority are given, and the search ends soon after the first. */
  readonly authority?: string | undefined;
}

/** When it is asked, milliseconds from the beginning: a question, or its answer, may be lost. */
const askedAt = [0, 1_000, 3_000, 6_000, 10_000] as const;

/** Milliseconds that others have to answer as well: who lies is not to be the only one heard. */
const othersMs = 300;

/**
 * Gives the ways into clusters that were found, each once, in the order they were heard. Of several
 * with the authority that is looked for, some may be lies: ask one after the other. Throws what
 * openMdns throws.
 */
export async function findClusters(
  { openMdns }: Pick<JoinDrivers, "openMdns">,
  { address, patienceMs, authority }: Search,
): Promise<readonly Found[]> {
  const mdns = await openMdns(address);
  const heard = openHeard();
  const wanted = () =>
    heard.found().filter((one) => authority === undefined || one.authority === authority);
  const timers: NodeJS.Timeout[] = [];
  try {
    await new Promise<void>((resolve) => {
      const at = (ms: number, deed: () => void) => timers.push(setTimeout(deed, ms));
      mdns.onAnswers((records) => {
        heard.add(records);
        if (authority !== undefined && wanted().length > 0) at(othersMs, resolve);
      });
      for (const ms of askedAt) {
        if (ms < patienceMs) at(ms, () => mdns.ask(service));
      }
      at(patienceMs, resolve);
    });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await mdns.close();
  }
  return wanted();
}
