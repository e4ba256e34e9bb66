/**
 * Answers what other nodes ask of this one's switch: what it would do with a packet.
 *
 * Nothing is changed by it, and nothing of a question but typed values gets to the switch. One is
 * answered at a time, and few in a second: who asks more is not answered, and nothing else waits.
 */
import { type Clock, deadlineIn } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import type { Log } from "../log.ts";
import type { Revision, StoreEvent } from "../store/store.ts";
import { keptSeconds } from "../trace/across.ts";
import { type Answer, formatAnswer } from "../trace/answer.ts";
import { parseQuestion, type Question } from "../trace/question.ts";
import { backOff, pause } from "./pause.ts";

export interface AnsweringDeps {
  readonly registry: Pick<Registry, "store" | "keys">;
  /** This node's. */
  readonly name: () => Promise<string>;
  /** Asks the switch; what it throws is why there is no answer. */
  readonly ask: (question: Question) => Promise<Answer>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** How many may wait; what comes then is left to its end. */
const mostWaiting = 8;
/** From one answer to the next, milliseconds. */
const restMs = 200;
/** How long a switch that did not answer is left alone, milliseconds: to wait for it blocks. */
const leaveAloneMs = 10_000;
/** How long the store has for an answer, milliseconds. */
const answerMs = 5_000;
const retries = { first: 500, last: 10_000 } as const;

/** Answers until the signal aborts. */
export async function keepAnswering(deps: AnsweringDeps): Promise<void> {
  const { registry, name, ask, clock, random, log, signal } = deps;
  const { store, keys } = registry;
  const soon = () => deadlineIn(clock, answerMs);
  let leftAloneUntil = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  const answerTo = async (value: string): Promise<Answer> => {
    if (clock() < leftAloneUntil) return { refused: "its switch did not answer just now" };
    try {
      return await ask(parseQuestion(value));
    } catch (thrown) {
      const { kind, message } = asFailure(thrown);
      if (kind === "try-again") leftAloneUntil = clock() + leaveAloneMs;
      return { refused: message };
    }
  };
  const answer = async ({ key, value }: StoreEvent) => {
    const parts = keys.parse(key);
    if (parts?.kind !== "question" || signal.aborted) return;
    const text = formatAnswer(await answerTo(value));
    await store
      .createFor(keys.answer(parts.id), text, keptSeconds, soon())
      .catch((thrown) => log.debug("cannot answer", { reason: asFailure(thrown).message }));
    await pause(restMs, signal);
  };
  const take = (events: readonly StoreEvent[]) => {
    for (const event of events) {
      if (event.type !== "put" || waiting === mostWaiting) continue;
      waiting += 1;
      last = last
        .then(() => answer(event))
        .finally(() => {
          waiting -= 1;
        });
    }
  };

  const wait = backOff(retries, random);
  while (!signal.aborted) {
    try {
      const mine = keys.questions(await name());
      // What was asked before is nobody's any more, or soon.
      const { revision } = await store.range(mine, soon());
      wait.reset();
      await store.watch(mine, (revision + 1) as Revision, take, signal);
    } catch (thrown) {
      log.debug("cannot hear questions", { reason: asFailure(thrown).message });
    }
    await pause(wait.next(), signal);
  }
}
