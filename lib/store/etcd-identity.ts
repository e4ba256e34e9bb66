/**
 * The name of what is in etcd: a random text under a key, made by whoever looks first.
 *
 * Not etcd's cluster id: that is made of the members' addresses, so one that was wiped has the same
 * again. A backup that was restored has the name that it had, and a smaller revision.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { Members } from "./etcd-ask.ts";
import { readKey } from "./etcd-read.ts";
import type { Revision, Store } from "./store.ts";

export interface Content {
  readonly identity: string;
  /** The revision that it was at. */
  readonly revision: Revision;
}

export type Look = (deadline: Deadline) => Promise<Content>;

export interface IdentityDeps {
  readonly members: Pick<Members, "ask">;
  readonly commit: Store["commit"];
  readonly key: string;
  /** A text that no other store has, such as a random UUID. */
  readonly newIdentity: () => string;
}

/** Gives a way to look at it, each time anew. */
export function openLook({ members, commit, key, newIdentity }: IdentityDeps): Look {
  const look = async (deadline: Deadline): Promise<Content | undefined> => {
    const { entries, revision } = await readKey(members, key, deadline);
    return entries[0] && { identity: entries[0].value, revision };
  };
  return async (deadline) => {
    const there = await look(deadline);
    if (there !== undefined) return there;
    const writes = [{ put: key, value: newIdentity() }];
    // Who loses this race finds the winner's.
    await commit({ compares: [{ absent: key }], writes }, deadline);
    const made = await look(deadline);
    if (made !== undefined) return made;
    throw new Failure("try-again", `Cannot name the store in etcd: somebody removes key "${key}"`);
  };
}
