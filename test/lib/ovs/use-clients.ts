/**
 * A program for runtimes.test.ts: uses both clients as a short-lived command does, and says what it
 * saw. Arguments: the run directory, and a port to add to bridge sp0.
 */
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { isTimedOut, refusalOf } from "../../../lib/ovs/ovsdb.ts";
import { map, named, set } from "../../../lib/ovs/ovsdb-json.ts";
import { databaseOf, flowsOf, within } from "./clients.ts";
import { failureOf } from "./recorded.ts";
import { added, samples } from "./sample-flows.ts";

const [, , runDir = "", port = ""] = process.argv;
const cookies = { cookie: 0n, mask: 0n };
const where = [["name", "==", port]] as const;

const database = databaseOf(runDir);
const adding = database.send(
  [
    {
      op: "insert",
      table: "Interface",
      row: { name: port, type: "internal", external_ids: map({ text: 'ü漢😀{"\\' }) },
      "uuid-name": "interface",
    },
    {
      op: "insert",
      table: "Port",
      row: { name: port, interfaces: named("interface") },
      "uuid-name": "port",
    },
    {
      op: "mutate",
      table: "Bridge",
      where: [["name", "==", "sp0"]],
      mutations: [["ports", "insert", named("port")]],
    },
  ],
  within(),
);
const waiting = database.send(
  [
    {
      op: "wait",
      table: "Interface",
      where,
      columns: ["ofport"],
      until: "!=",
      rows: [{ ofport: set([]) }],
      timeout: 20_000,
    },
    { op: "select", table: "Interface", where, columns: ["ofport", "external_ids"] },
  ],
  within(),
);
const flows = flowsOf(runDir, "sp0");
const staged = flows.stage(
  [{ do: "delete", cookies }, ...added(samples.map(([, flow]) => flow))],
  within(),
);
const [row] = waiting.results(within())[1]?.rows ?? [];
staged.commit(within());

const guarded = failureOf(() =>
  database.transact(
    [
      {
        op: "wait",
        table: "Interface",
        where,
        columns: ["name"],
        until: "!=",
        rows: [{ name: port }],
        timeout: 0,
      },
    ],
    within(),
  ),
);
const [, good] = samples[2] ?? [];
if (good === undefined) throw new Error("no samples");
const refused = failureOf(() =>
  flows.stage(added([good, { ...good, table: 255 }]), within()).commit(within()),
);
console.log(
  JSON.stringify({
    added: adding.results(within())[2],
    hasNumber: typeof row?.ofport === "number" && row.ofport > 0,
    ids: row?.external_ids,
    guard: [isTimedOut(guarded), refusalOf(guarded)?.index],
    refused: refused?.message,
    flows: flows.dump(cookies, within()).map(formatFlow).sort(),
    count: flows.aggregate(cookies, within()).flows,
  }),
);
flows.close();
database.close();
