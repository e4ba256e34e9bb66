/**
 * A list that is shown again when it changes, until the command is ended.
 *
 * The store's events only say that it is time to look again: what is shown is always what the same
 * command would show now. Not all of it is in the store (the addresses of this node are not), and a
 * store that is away tells nothing: so it is looked at every two seconds in any case.
 */
import type { Host } from "../attach/host.ts";
import { deadlineIn } from "../deadline.ts";
import { asFailure, type Failure } from "../errors.ts";
import type { Revision } from "../store/store.ts";
import type { Common } from "./command.ts";
import type { Listing } from "./listing.ts";
import { onNode } from "./on-node.ts";
import { painterOf } from "./paint.ts";
import type { CliWorld } from "./world.ts";

/** How long a store that does not answer is waited for, milliseconds. */
const answerMs = 4_000;
const lookMs = 2_000;
/** Of many changes at once, no more is seen than people can read, milliseconds. */
const restMs = 100;

/** Ends well when somebody ends it. Throws what reading throws, but for a store that is away later. */
export async function watch(world: CliWorld, args: Common, listing: Listing): Promise<void> {
  const { terminal } = world;
  const ended = world.interrupted();
  // What the store's client says of a connection that it lost is said here in our words.
  const log: CliWorld["log"] = (least) => ({ ...world.log(least), warn: () => undefined });
  await onNode({ ...world, log }, args, async (host) => {
    const paint = painterOf(terminal, args.output ?? (terminal.interactive ? "table" : "json"));
    const read = () => listing.read(host, deadlineIn(host.clock, answerMs));
    paint(await read(), listing.names);
    const bell = openBell(ended);
    const over = new AbortController();
    const until = AbortSignal.any([ended, over.signal]);
    const following = ringOnChange(host, listing, bell.ring, until).catch(() => undefined);
    let isAway = false;
    try {
      while (!ended.aborted) {
        await bell.wait(lookMs);
        if (ended.aborted) break;
        try {
          const listed = await read();
          if (isAway) terminal.stderr("socketplane: the store answers again\n");
          isAway = false;
          paint(listed, listing.names);
        } catch (thrown) {
          const failure = asFailure(thrown);
          if (!isPassing(failure)) throw failure;
          if (!isAway) terminal.stderr(`socketplane: ${failure.message}\n  Still trying\n`);
          isAway = true;
        }
        await pause(restMs, ended);
      }
    } finally {
      over.abort();
      await following;
    }
  });
}

const isPassing = ({ kind }: Failure): boolean => kind === "try-again" || kind === "io";

/** Follows the keys that the list is read from, anew whenever that ends, until the signal aborts. */
async function ringOnChange(
  host: Host,
  { watches }: Listing,
  ring: () => void,
  ended: AbortSignal,
): Promise<void> {
  const { store, keys } = await host.ipam.registry();
  while (!ended.aborted) {
    const round = new AbortController();
    const until = AbortSignal.any([ended, round.signal]);
    try {
      const { revision } = await store.range(keys.cluster, deadlineIn(host.clock, answerMs));
      // What came before this is not told of.
      ring();
      const from = (revision + 1) as Revision;
      await Promise.race(watches(keys).map((prefix) => store.watch(prefix, from, ring, until)));
    } catch {
      // Reading it tells why, in words, if that lasts.
    } finally {
      round.abort();
    }
    await pause(lookMs, ended);
  }
}

/** Something to wait for, that is heard also where it rang while nobody waited. */
function openBell(ended: AbortSignal) {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    /** Returns when it rings, at the end, or after a while. */
    wait: async (ms: number) => {
      await pause(ms, AbortSignal.any([ended, rung.signal]));
      rung = new AbortController();
    },
  };
}

/** Returns after a while, or when the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
