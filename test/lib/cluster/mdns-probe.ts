/**
 * announce FOUND: says it until SIGTERM. lie: answers every question with what is no cluster.
 * hear ADDRESS: says what it hears without asking, until it is ended. find SEARCH: says what was
 * found. Each a line of JSON.
 */
import { announce } from "../../../lib/cluster/announce.ts";
import { type Found, recordsOf } from "../../../lib/cluster/announcement.ts";
import { findClusters } from "../../../lib/cluster/find.ts";
import { asFailure } from "../../../lib/errors.ts";
import { openMdns } from "../../../lib/sys/mdns.ts";

const [, , what, argument = ""] = process.argv;

if (what === "announce") {
  const found: Found = JSON.parse(argument);
  const announcer = announce(await openMdns(found.host), found);
  process.on("SIGTERM", async () => {
    await announcer.close();
    process.exit(0);
  });
  console.log("announced");
} else if (what === "lie") {
  const found: Found = JSON.parse(argument);
  const mdns = await openMdns(found.host);
  const records = recordsOf(found);
  mdns.onQuestions(() => {
    const half = records.filter(({ type }) => type !== "TXT");
    const name = half.find(({ type }) => type === "SRV")?.name ?? "";
    const texts = (more: readonly string[]) =>
      ({ type: "TXT", name, ttl: 120, texts: more }) as const;
    mdns.answer(half);
    mdns.answer([...half, texts(["txtvers=1", "cluster=x", "node=../x", "ca=x", "version=1"])]);
    mdns.answer([...half, texts(["txtvers=1", "cluster=x", "node=x", "version=1"])]);
    mdns.answer([...half, texts(Array.from({ length: 60 }, (_, at) => `a${at}=b`))]);
  });
  console.log("announced");
} else if (what === "hear") {
  const mdns = await openMdns(argument);
  mdns.onAnswers((records) => console.log(JSON.stringify(records)));
  console.log("listening");
} else {
  const found = await findClusters({ openMdns }, JSON.parse(argument)).catch(
    (fault: unknown) => asFailure(fault).message,
  );
  console.log(JSON.stringify(found));
  process.exit(0);
}
