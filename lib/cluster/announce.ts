/** Says by multicast DNS where the cluster is, to who asks. */
import type { Mdns } from "../sys/mdns.ts";
import { type Found, isAskedFor, recordsOf } from "./announcement.ts";

export interface Announcer {
  /** Says that it is gone, and ends. */
  readonly close: () => Promise<void>;
}

/** The same is not said more often (RFC 6762, section 6), milliseconds. */
const restMs = 1_000;

/** Says it now, once more, and whenever it is asked. */
export function announce(mdns: Mdns, found: Found): Announcer {
  const records = recordsOf(found);
  let due: NodeJS.Timeout | undefined;
  let isResting = false;
  let isOwed = false;
  const say = () => {
    if (isResting) {
      isOwed = true;
      return;
    }
    mdns.answer(records);
    isResting = true;
    due = setTimeout(() => {
      isResting = false;
      if (!isOwed) return;
      isOwed = false;
      say();
    }, restMs);
  };
  mdns.onQuestions((questions) => {
    if (isAskedFor(questions)) say();
  });
  say();
  // The first may be lost.
  say();
  return {
    close: async () => {
      clearTimeout(due);
      mdns.answer(recordsOf(found, "gone"));
      await mdns.close();
    },
  };
}
