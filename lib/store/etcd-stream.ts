/** One stream of a watch, from its opening to its end. */
import type { IDuplexStream, IEvent, IWatchRequest, IWatchResponse } from "etcd3/lib/rpc.js";
import { code, EtcdFault, faultOf, type Refusal, refusalOf } from "./etcd-fault.ts";
import { rangeOf } from "./etcd-read.ts";
import type { Revision, StoreEvent, WatchEnd } from "./store.ts";

export type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>;

/** How a stream ended: by its reader's wish or fault, or by one of etcd or of the way there. */
export type StreamEnd =
  | { readonly end: WatchEnd }
  | { readonly threw: unknown }
  | { readonly refusal: Refusal };

export interface StreamReader {
  /** etcd took the watch on. */
  readonly onOpen: () => void;
  /** The events of one revision; gives how the watch ends, if it does. */
  readonly onBatch: (events: readonly StoreEvent[]) => WatchEnd | undefined;
}

/** Follows what begins with `prefix`, from a revision on, until the stream ends or `ended` says so. */
export function follow(
  stream: WatchStream,
  prefix: string,
  from: Revision,
  { onOpen, onBatch }: StreamReader,
  ended: AbortSignal,
): Promise<StreamEnd> {
  const { promise, resolve } = Promise.withResolvers<StreamEnd>();
  const close = () => resolve({ end: { reason: "closed" } });
  const fail = (state: string) => {
    const fault = new EtcdFault(code.unavailable, state, { sent: true });
    resolve({ refusal: refusalOf(fault) });
  };
  const read = (response: IWatchResponse) => {
    const compacted = Number(response.compact_revision);
    if (compacted > 0) {
      return resolve({ end: { reason: "compacted", oldest: (compacted + 1) as Revision } });
    }
    if (response.canceled) {
      return fail(response.cancel_reason || "the watch was cancelled");
    }
    if (response.created) onOpen();
    for (const events of batchesOf(response.events)) {
      const end = ended.aborted ? undefined : onBatch(events);
      if (end !== undefined) return resolve({ end });
    }
  };
  stream.on("data", (response) => {
    try {
      if (!ended.aborted) read(response);
    } catch (threw) {
      resolve({ threw });
    }
  });
  stream.on("error", (thrown) => {
    resolve({ refusal: refusalOf(faultOf(thrown, { sent: true })) });
  });
  stream.on("end", () => fail("the stream ended"));
  ended.addEventListener("abort", close);
  if (ended.aborted) close();
  stream.write({ create_request: { ...rangeOf(prefix), start_revision: from } });
  return promise.finally(() => {
    ended.removeEventListener("abort", close);
    stream.cancel();
  });
}

/** Events come in the order of their revisions, and those of one revision in one message. */
function batchesOf(events: readonly IEvent[]): readonly (readonly StoreEvent[])[] {
  const batches = new Map<number, StoreEvent[]>();
  for (const event of events.map(eventOf)) {
    const batch = batches.get(event.revision);
    if (batch === undefined) batches.set(event.revision, [event]);
    else batch.push(event);
  }
  return [...batches.values()];
}

function eventOf({ type, kv }: IEvent): StoreEvent {
  const key = kv.key.toString();
  const revision = Number(kv.mod_revision) as Revision;
  // The package says "Delete", and the wire "DELETE".
  return type.toUpperCase() === "DELETE"
    ? { type: "remove", key, value: "", revision }
    : { type: "put", key, value: kv.value.toString(), revision };
}
