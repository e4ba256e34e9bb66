/**
 * Transactions as etcd takes them, and made so that one can be sent twice: pure.
 *
 * A commit that was sent and not answered may have been done or not, or may be done yet. So each
 * writes a mark of its own and asks that it is absent: then it is done once at most. One that is
 * sent again asks for the mark where it loses, and writes it as void where it is absent: what it
 * then answers holds, whatever still is on its way.
 * Source: etcd API reference, "Transaction".
 */
import type { ICompare, IRequestOp, ITxnRequest, ITxnResponse } from "etcd3/lib/rpc.js";
import { Failure } from "../errors.ts";
import type { Commit, Compare, Revision, Txn, Write } from "./store.ts";

export interface Mark {
  readonly key: string;
  /** The TTL lease that takes it away when nobody asks for it any more. */
  readonly lease: string;
}

// Of etcd3's enums, whose values are the protocol's: the package is not needed for them.
const equal = 0;
const less = 2;
const created = 1;
const modified = 2;
const valued = 3;

const done = bytes("done");
const isVoid = bytes("void");

/** The request for a transaction; `again`: it was sent before, and not answered. */
export function txnRequest(txn: Txn, mark: Mark, again: boolean): ITxnRequest {
  const writes = txn.writes.map(writeOp);
  const marked = [...writes, putOp(mark, done)];
  const removed = txn.writes.flatMap((write) => ("remove" in write ? [write.remove] : []));
  const absentAll = removed.map((key) => compareOf({ absent: key }));
  // Removing what is not there is no write, and must not become one by the mark.
  const onlyRemoves = removed.length === txn.writes.length;
  const success = onlyRemoves
    ? [{ request_txn: { compare: absentAll, success: [], failure: marked } }]
    : marked;
  const unmarked = compareOf({ absent: mark.key });
  const settle: ITxnRequest = {
    compare: [unmarked],
    success: [putOp(mark, isVoid)],
    failure: [{ request_range: { key: bytes(mark.key) } }],
  };
  return {
    compare: [...txn.compares.map(compareOf), unmarked],
    success,
    failure: again ? [{ request_txn: settle }] : [],
  };
}

/** A request that only compares: it can be sent as often as one likes. */
export const compareRequest = ({ compares }: Txn): ITxnRequest => ({
  compare: compares.map(compareOf),
  success: [],
  failure: [],
});

/** What became of it. */
export function commitOf({ succeeded, header, responses }: ITxnResponse): Commit {
  if (succeeded) return { ok: true, revision: Number(header.revision) as Revision };
  const settled = responses[0]?.response_txn;
  if (settled === undefined || settled.succeeded) return { ok: false };
  const mark = settled.responses[0]?.response_range.kvs[0];
  if (mark === undefined) {
    throw new Failure("internal", "Cannot tell what became of a transaction: no mark was given");
  }
  return done.equals(mark.value)
    ? { ok: true, revision: Number(mark.mod_revision) as Revision }
    : { ok: false };
}

/** A compare as etcd takes it. */
export function compareOf(compare: Compare): ICompare {
  if ("absent" in compare) {
    return { key: bytes(compare.absent), target: created, result: equal, create_revision: 0 };
  }
  // A range compare holds when it does for each key in it; of none, for one with the revisions 0.
  if ("absentFrom" in compare) {
    const range = { key: bytes(compare.absentFrom), range_end: bytes(compare.to) };
    return { ...range, target: created, result: equal, create_revision: 0 };
  }
  if ("unchangedFrom" in compare) {
    const range = { key: bytes(compare.unchangedFrom), range_end: bytes(compare.to) };
    return { ...range, target: modified, result: less, mod_revision: compare.revision + 1 };
  }
  const key = bytes(compare.key);
  if ("value" in compare) {
    return { key, target: valued, result: equal, value: bytes(compare.value) };
  }
  if ("createRevision" in compare) {
    return { key, target: created, result: equal, create_revision: compare.createRevision };
  }
  return { key, target: modified, result: equal, mod_revision: compare.modRevision };
}

const writeOp = (write: Write): IRequestOp =>
  "put" in write
    ? { request_put: { key: bytes(write.put), value: bytes(write.value) } }
    : { request_delete_range: { key: bytes(write.remove) } };

const putOp = ({ key, lease }: Mark, value: Buffer): IRequestOp => ({
  request_put: { key: bytes(key), value, lease },
});

function bytes(text: string): Buffer {
  return Buffer.from(text);
}
