/** Asking again until there is an answer, or no time. See doctor.ts for the folder's note. */
import type { Clock } from "../deadline.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Reach } from "../sys/reach.ts";
import type { PlannedPeer, Way } from "./probe-plan.ts";
import type { Echoes, Neighbours, ProbeSockets } from "./probe-sockets.ts";

export interface ProbeWorld {
  readonly reach: Reach;
  readonly clock: Clock;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Another node that is being asked. */
export interface Asked {
  readonly peer: PlannedPeer;
  readonly underlay: Echoes;
  /** Undefined where no network is on both nodes. */
  readonly within: Within | undefined;
}

/** A network, and how it is asked in. */
export interface Within {
  readonly way: Way;
  readonly echoes: Echoes;
  readonly neighbours: Neighbours;
}

/** Somebody in it, on the other node, who answers. */
export interface Found extends Within {
  readonly target: Ip4;
}

export function asking(sockets: ProbeSockets, peer: PlannedPeer): Asked {
  const { way } = peer;
  const within = way && { way, ...sockets.within(way) };
  return { peer, underlay: sockets.underlay, within };
}

/** Who has answered through the tunnel; undefined while nobody has. */
export function foundBy({ within }: Asked): Found | undefined {
  if (within === undefined) return undefined;
  const { way, neighbours } = within;
  const target = way.targets.find((one) => neighbours.answer(one, way.own) === "answered");
  return target === undefined ? undefined : { ...within, target };
}

/** Bytes of an echo request: as a small packet has them. */
export const small = 84;

/** What an echo of some size is asked under. */
export const nameOf = (whom: string | Ip4, size: number): string => `${whom} ${size}`;

/** What is asked until it is settled. */
export interface Question {
  readonly ask: () => void;
  readonly isSettled: () => boolean;
}

/** How often it is looked for answers, milliseconds. */
const everyMs = 5;

/** How many are asked before answers are taken: a socket's buffer has an end. */
const atOnce = 32;

/**
 * Asks those that are not settled at each of the times, and takes what comes, until all are, or
 * their time is over. That is counted from what was asked last: on a machine under load, where we
 * stand still for longer, each is asked as often, and has its time to answer.
 */
export async function settle(
  { clock, pause }: Pick<ProbeWorld, "clock" | "pause">,
  look: () => void,
  questions: readonly Question[],
  { asks, ms }: Patience,
): Promise<void> {
  let open = questions.filter((one) => !one.isSettled());
  let rounds = 0;
  let last = clock();
  /** Milliseconds after what was asked last. */
  const rest = ms - (asks.at(-1) ?? 0);
  const gap = () => (asks[rounds] ?? Number.POSITIVE_INFINITY) - (asks[rounds - 1] ?? 0);
  while (open.length > 0) {
    const isOver = rounds === asks.length && clock() - last >= rest;
    if (clock() - last >= gap()) {
      rounds += 1;
      last = clock();
      for (const [at, one] of open.entries()) {
        one.ask();
        if (at % atOnce === atOnce - 1) look();
      }
    }
    look();
    open = open.filter((one) => !one.isSettled());
    if (isOver) return;
    if (open.length > 0) await pause(everyMs);
  }
}

/** When it is asked, and when no answer is waited for any more, milliseconds. */
interface Patience {
  readonly asks: readonly number[];
  readonly ms: number;
}
