import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../../lib/ovs/database.ts";
import { isTimedOut, refusalOf } from "../../../lib/ovs/ovsdb.ts";
import { listOf, map, named, type Operation, recordOf, set } from "../../../lib/ovs/ovsdb-json.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { connect, connectSoon, databaseOf, within } from "./clients.ts";
import { failureOf } from "./recorded.ts";

let ovs: Ovs;
let database: ReturnType<typeof databaseOf>;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
  database = databaseOf(ovs.runDir);
});
afterAll(async () => {
  database?.close();
  await ovs?.stop();
});

const addPort = (name: string, type: string): readonly Operation[] => [
  {
    op: "insert",
    table: "Interface",
    row: { name, type, external_ids: map({ owner: name }) },
    "uuid-name": "interface",
  },
  {
    op: "insert",
    table: "Port",
    row: { name, interfaces: named("interface") },
    "uuid-name": "port",
  },
  {
    op: "mutate",
    table: "Bridge",
    where: [["name", "==", "sp0"]],
    mutations: [["ports", "insert", named("port")]],
  },
];
const interfaceOf = (name: string): Operation => ({
  op: "select",
  table: "Interface",
  where: [["name", "==", name]],
  columns: ["ofport", "error", "external_ids"],
});
const awaitOfport = (name: string, timeout: number): Operation => ({
  op: "wait",
  table: "Interface",
  where: [["name", "==", name]],
  columns: ["ofport"],
  until: "!=",
  rows: [{ ofport: set([]) }],
  timeout,
});
const bridgeIs = (name: string, until: "==" | "!=", timeout = 0): Operation => ({
  op: "wait",
  table: "Bridge",
  where: [["name", "==", name]],
  columns: ["name"],
  until,
  rows: [{ name }],
  timeout,
});

describe("a port", () => {
  test("is added whole, and has its number when the database says so", () => {
    const [, , mutated] = database.transact(addPort("p0", "internal"), within());
    expect(mutated).toEqual({ count: 1 });
    const [, found] = database.transact([awaitOfport("p0", 20_000), interfaceOf("p0")], within());
    const [row] = found?.rows ?? [];
    expect(row?.ofport).toBeGreaterThan(0);
    expect(recordOf(row?.external_ids)).toEqual({ owner: "p0" });
    expect(listOf(row?.error)).toEqual([]);
  });

  test("without a device gets the number -1, and the reason", () => {
    database.transact(addPort("absent0", ""), within());
    const [, found] = database.transact(
      [awaitOfport("absent0", 20_000), interfaceOf("absent0")],
      within(),
    );
    const [row] = found?.rows ?? [];
    expect(row?.ofport).toBe(-1);
    expect(row?.error).toContain("No such device");
  });

  test("is gone, rows and all, when its bridge drops it", () => {
    database.transact(addPort("p1", "internal"), within());
    const port: Operation = {
      op: "select",
      table: "Port",
      where: [["name", "==", "p1"]],
      columns: ["_uuid"],
    };
    const [found] = database.transact([port], within());
    const id = found?.rows?.[0]?._uuid;
    if (id === undefined) throw new Error("no port was added");
    const drop: Operation = {
      op: "mutate",
      table: "Bridge",
      where: [["name", "==", "sp0"]],
      mutations: [["ports", "delete", id]],
    };
    expect(database.transact([drop], within())).toEqual([{ count: 1 }]);
    expect(database.transact([port, interfaceOf("p1")], within())).toEqual([
      { rows: [] },
      { rows: [] },
    ]);
  });
});

describe("a transaction", () => {
  test("whose guard doesn't hold says which, and does nothing", () => {
    const failure = failureOf(() =>
      database.transact(
        [...addPort("guarded", "internal"), bridgeIs("sp0", "=="), bridgeIs("sp0", "!=")],
        within(),
      ),
    );
    expect(isTimedOut(failure)).toBe(true);
    expect(refusalOf(failure)?.index).toBe(4);
    expect(database.transact([interfaceOf("guarded")], within())).toEqual([{ rows: [] }]);
  });

  test("that waits in vain says so as a guard does", () => {
    const failure = failureOf(() => database.transact([bridgeIs("sp0", "!=", 50)], within()));
    expect(isTimedOut(failure)).toBe(true);
    expect(refusalOf(failure)?.index).toBe(0);
  });

  test("that waits for the number of a port that isn't there doesn't wait", () => {
    // No row is not one row without a number: what follows the wait must look.
    const [, found] = database.transact([awaitOfport("none", 0), interfaceOf("none")], within());
    expect(found).toEqual({ rows: [] });
  });

  test("that waits is answered after a later one that it waits for", () => {
    const absent: Operation = {
      op: "wait",
      table: "Interface",
      where: [["name", "==", "later"]],
      columns: ["name"],
      until: "==",
      rows: [{ name: "later" }],
      timeout: 20_000,
    };
    const waiting = database.send([absent, interfaceOf("later")], within());
    const adding = database.send(addPort("later", "internal"), within());
    expect(adding.results(within())).toHaveLength(3);
    expect(waiting.results(within())[1]?.rows).toHaveLength(1);
  });

  test("still under way at the deadline may be waited for again", () => {
    const pending = database.send([bridgeIs("sp0", "!=", 300)], within());
    expect(failureOf(() => pending.results(within(20)))?.kind).toBe("try-again");
    expect(isTimedOut(failureOf(() => pending.results(within())))).toBe(true);
  });

  test.each<[string, readonly Operation[], string]>([
    [
      "of an unknown table",
      [{ op: "insert", table: "Nothing", row: {} }],
      'Cannot insert into table "Nothing" of the switch\'s database: syntax error: ',
    ],
    [
      "with an unknown column",
      [bridgeIs("sp0", "=="), { op: "update", table: "Port", where: [], row: { none: 1 } }],
      'Cannot update rows in table "Port" of the switch\'s database: unknown column: ',
    ],
    [
      "that its commit refuses",
      [
        {
          op: "update",
          table: "Bridge",
          where: [["name", "==", "sp0"]],
          row: { ports: ["uuid", "00000000-0000-0000-0000-000000000001"] },
        },
      ],
      "Cannot commit to the switch's database: referential integrity violation: ",
    ],
  ])("%s is refused in the database's words", (_, operations, message) => {
    const failure = failureOf(() => database.transact(operations, within()));
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toContain(message);
    expect(refusalOf(failure)?.details).not.toBe("");
    expect(isTimedOut(failure)).toBe(false);
  });
});

test("rows are watched: there, new, changed, gone", () => {
  const watcher = databaseOf(ovs.runDir);
  try {
    const monitor = watcher.monitor({ Queue: { columns: ["external_ids"] } }, within());
    expect(monitor.initial).toEqual({});
    const insert: Operation = {
      op: "insert",
      table: "Queue",
      row: { external_ids: map({ a: "1" }) },
    };
    const [inserted] = database.transact([insert], within());
    const [, id] = listOf(inserted?.uuid)[0] as [string, string];
    const state = (text: string) => ({ external_ids: ["map", [["a", text]]] });
    expect(monitor.next(within())).toEqual({ Queue: { [id]: { new: state("1") } } });
    const where = [["_uuid", "==", ["uuid", id]]] as const;
    database.transact(
      [{ op: "update", table: "Queue", where, row: { external_ids: map({ a: "2" }) } }],
      within(),
    );
    expect(monitor.next(within())).toEqual({
      Queue: { [id]: { old: state("1"), new: state("2") } },
    });
    database.transact([{ op: "delete", table: "Queue", where }], within());
    expect(monitor.next(within())).toEqual({ Queue: { [id]: { old: state("2") } } });
    expect(failureOf(() => monitor.next(within(20)))?.kind).toBe("try-again");
  } finally {
    watcher.close();
  }
});

test("a reply of many megabytes comes whole", () => {
  const text = 'ü漢😀{\\"'.repeat(20_000);
  const rows = Array.from(
    { length: 20 },
    (_, index): Operation => ({
      op: "insert",
      table: "QoS",
      row: { type: "linux-noop", external_ids: map({ index: `${index}`, text }) },
    }),
  );
  database.transact(rows, within());
  const [found] = database.transact(
    [{ op: "select", table: "QoS", where: [], columns: ["external_ids"] }],
    within(),
  );
  const texts = found?.rows?.map((row) => recordOf(row.external_ids).text);
  expect(texts).toEqual(new Array(20).fill(text));
});

test("an unknown database is refused", () => {
  const client = openDatabase(connect(ovs.runDir, "db.sock"), "Nothing");
  expect(failureOf(() => client.transact([], within()))?.message).toBe(
    "Cannot ask the switch's database: unknown database: " +
      "transact request specifies unknown database Nothing",
  );
  client.close();
});

test("a server that probes does not hang up on one who waits", () => {
  const control = `${ovs.runDir}/ovsdb-server.ctl`;
  const managers = "db:Open_vSwitch,Open_vSwitch,manager_options";
  execFileSync("ovs-appctl", ["-t", control, "ovsdb-server/add-remote", managers]);
  const target = `target="punix:${ovs.runDir}/probe.sock"`;
  // It asks after a second of silence, and hangs up after another.
  const manager = ["--id=@probing", "create", "Manager", target, "inactivity_probe=1000"];
  const use = ["set", "Open_vSwitch", ".", "manager_options=@probing"];
  ovs.vsctl("--", ...manager, "--", ...use);
  const client = openDatabase(connectSoon(ovs.runDir, "probe.sock"));
  const failure = failureOf(() => client.transact([bridgeIs("sp0", "!=", 3500)], within()));
  expect(isTimedOut(failure)).toBe(true);
  client.close();
});

test("a database that is gone hangs up", async () => {
  const other = await startOvs();
  try {
    const client = databaseOf(other.runDir);
    const pending = client.send(
      [{ ...awaitOfport("p", 20_000), until: "==" } as Operation],
      within(),
    );
    await other.stop();
    expect(failureOf(() => pending.results(within()))?.kind).toBe("io");
  } finally {
    await other.stop();
  }
});
