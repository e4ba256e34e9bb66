/** A key on a TTL lease of its own that nobody keeps alive: it goes by etcd's clock. */
import type { Deadline } from "../deadline.ts";
import type { Members } from "./etcd-ask.ts";
import { compareOf } from "./etcd-txn.ts";

/** Store.createFor of the etcd store. Sent twice, the second finds the first's: that is "created". */
export async function createFor(
  members: Pick<Members, "ask">,
  {
    key,
    value,
    seconds,
  }: { readonly key: string; readonly value: string; readonly seconds: number },
  deadline: Deadline,
): Promise<"created" | "exists"> {
  const question = { action: `write key "${key}"`, kind: "read" } as const;
  return members.ask(question, deadline, async ({ kv, lease }) => {
    const { ID } = await lease.leaseGrant({ TTL: seconds });
    const bytes = { key: Buffer.from(key), value: Buffer.from(value) };
    const { succeeded, responses } = await kv.txn({
      compare: [compareOf({ absent: key })],
      success: [{ request_put: { ...bytes, lease: ID } }],
      failure: [{ request_range: { key: bytes.key } }],
    });
    if (succeeded) return "created";
    await lease.leaseRevoke({ ID });
    const there = responses[0]?.response_range.kvs[0]?.value;
    return there !== undefined && bytes.value.equals(there) ? "created" : "exists";
  });
}
