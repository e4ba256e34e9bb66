/**
 * A short-lived process with a store in etcd: does a little of all, prints "closed" and ends when
 * nothing keeps it. etcd-process.ts <endpoint> [<ca> <cert> <key>]
 */
import { deadlineIn } from "../../../lib/deadline.ts";
import { openEtcd } from "./etcd-lab.ts";

const [, , endpoint = "", ca, cert, key] = process.argv;
const tls = ca && cert && key ? { ca, cert, key } : undefined;
const soon = () => deadlineIn(() => performance.now(), 10_000);
const store = openEtcd({ endpoints: [endpoint], tls });
const { revision } = await store.range("/p/", soon());
const done = await store.commit(
  { compares: [{ absent: "/p/a" }], writes: [{ put: "/p/a", value: "1" }] },
  soon(),
);
const session = await store.openSession("/p/s", "here", 600, soon());
const seen: string[] = [];
const watched = Promise.withResolvers<void>();
const end = store.watch(
  "/p/",
  (revision + 1) as typeof revision,
  (events) => {
    seen.push(...events.map(({ key: name }) => name));
    if (seen.length === 3) watched.resolve();
  },
  new AbortController().signal,
);
await session.close();
await watched.promise;
const { entries } = await store.range("/p/", soon());
await store.close();
const keys = entries.map(({ key: name }) => name);
console.log(JSON.stringify({ done: done.ok, seen, keys, end: await end }));
