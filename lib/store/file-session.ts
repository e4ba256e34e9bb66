/** Sessions in a store without a clock: a key that is taken away when it is closed. */
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Revision, Session, Store } from "./store.ts";

const closeMs = 2_000;

/** Store.openSession of the file store. */
export async function openFileSession(
  { commit, log }: Pick<Store, "commit"> & { readonly log: Log },
  key: string,
  value: string,
  deadline: Deadline,
): Promise<Session> {
  const put = async (next: string, until: Deadline): Promise<Revision> => {
    const done = await commit({ compares: [], writes: [{ put: key, value: next }] }, until);
    if (done.ok) return done.revision;
    throw new Failure("internal", `Cannot write key "${key}": a race was lost without a compare`);
  };
  let modRevision = await put(value, deadline);
  let open = true;
  return {
    set: async (next, until) => {
      modRevision = await put(next, until);
    },
    close: async () => {
      if (!open) return;
      open = false;
      // One that another process has written since is that one's.
      const txn = { compares: [{ key, modRevision }], writes: [{ remove: key }] };
      try {
        await commit(
          txn,
          deadlineIn(() => performance.now(), closeMs),
        );
      } catch (fault) {
        log.warn("cannot end a session", { key, reason: reasonOf(fault) });
      }
    },
  };
}
