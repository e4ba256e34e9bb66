/**
 * Asks the agent of another node what its switch does with a packet. See way.ts for the folder's
 * note.
 *
 * By the store, which both are let into already: a question is a key that goes by itself, and so is
 * its answer. Why not by a connection: an agent listens to its own machine alone, and one that
 * strangers reach would be a door to keep.
 */
import type { Deadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import type { Revision } from "../store/store.ts";
import { type Answer, parseAnswer } from "./answer.ts";
import { formatQuestion, type Question } from "./question.ts";

/** How long both are there at most, seconds: nobody waits for longer. */
export const keptSeconds = 10;

/** What came of asking; a clause says why nothing did. */
export type Heard = Answer | { readonly unheard: string };

/** Never throws. `id` is a name that nobody else has, and nobody can guess. */
export async function askNode(
  { store, keys }: Pick<Registry, "store" | "keys">,
  node: string,
  question: Question,
  { id, deadline }: { readonly id: string; readonly deadline: Deadline },
): Promise<Heard> {
  const over = new AbortController();
  const late = setTimeout(() => over.abort(), deadline.left());
  try {
    const key = keys.answer(id);
    const { revision } = await store.range(key, deadline);
    let answer: Answer | undefined;
    const watched = store.watch(
      key,
      (revision + 1) as Revision,
      (events) => {
        for (const { type, value } of events) {
          if (type === "put") answer = parseAnswer(value);
        }
        over.abort();
      },
      over.signal,
    );
    // Whoever throws first is who tells why.
    watched.catch(() => {});
    const text = formatQuestion(question);
    await store.createFor(keys.question(node, id), text, keptSeconds, deadline);
    await watched;
    return answer ?? { unheard: `the agent of node "${node}" does not answer` };
  } catch (thrown) {
    return { unheard: `the agent of node "${node}" can't be asked: ${reasonOf(thrown)}` };
  } finally {
    clearTimeout(late);
    over.abort();
  }
}
