/** Reading etcd: what all members stand behind (linearizable), and the revision that it was at. */
import type { IKeyValue } from "etcd3/lib/rpc.js";
import type { Deadline } from "../deadline.ts";
import type { Members } from "./etcd-ask.ts";
import { type Entry, endOf, type Revision, type Snapshot } from "./store.ts";

/** One key. */
export const readKey = (
  members: Pick<Members, "ask">,
  key: string,
  deadline: Deadline,
): Promise<Snapshot> => read(members, `read key "${key}"`, { key: Buffer.from(key) }, deadline);

/** All keys that begin with `prefix`. */
export const readRange = (
  members: Pick<Members, "ask">,
  prefix: string,
  deadline: Deadline,
): Promise<Snapshot> => read(members, `read keys "${prefix}"`, rangeOf(prefix), deadline);

/** All keys that begin with `prefix`, as etcd takes it. */
export const rangeOf = (prefix: string) => ({
  // etcd knows no empty key: what is before all others is NUL.
  key: Buffer.from(prefix || "\0"),
  range_end: Buffer.from(endOf(prefix)),
});

async function read(
  members: Pick<Members, "ask">,
  action: string,
  range: { readonly key: Buffer; readonly range_end?: Buffer },
  deadline: Deadline,
): Promise<Snapshot> {
  const answer = await members.ask({ action, kind: "read" }, deadline, ({ kv }) => kv.range(range));
  return {
    entries: answer.kvs.map(entryOf),
    revision: Number(answer.header.revision) as Revision,
  };
}

const entryOf = (found: IKeyValue): Entry => ({
  key: found.key.toString(),
  value: found.value.toString(),
  createRevision: Number(found.create_revision) as Revision,
  modRevision: Number(found.mod_revision) as Revision,
});
