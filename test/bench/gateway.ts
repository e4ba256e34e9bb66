/** etcd by its JSON gateway, as far as the benchmark writes to it (etcd, "gRPC gateway"). */

/** Keys and their values; a key without one is removed. */
export type Writes = Readonly<Record<string, string | undefined>>;

/** The body of a request to /v3/kv/txn that writes all of them at one revision. */
export function transactionOf(writes: Writes): string {
  const success = Object.entries(writes).map(([key, value]) =>
    value === undefined
      ? { request_delete_range: { key: encoded(key) } }
      : { request_put: { key: encoded(key), value: encoded(value) } },
  );
  return JSON.stringify({ success });
}

const encoded = (text: string): string => Buffer.from(text).toString("base64");
