import { describe, expect, test } from "vitest";
import { openDatabase } from "../../../lib/ovs/database.ts";
import type { Operation } from "../../../lib/ovs/ovsdb-json.ts";
import { failureOf, mutations, noHurry, recorded, splits, utf8 } from "./recorded.ts";

const socket = "/run/openvswitch/db.sock";
const select: Operation = { op: "select", table: "Bridge", where: [], columns: ["name"] };
const message = (value: unknown) => utf8(JSON.stringify(value));
const reply = (id: unknown, name: string) =>
  message({ id, result: [{ rows: [{ name }] }], error: null });
const rows = (name: string) => [{ rows: [{ name }] }];
const textsOf = (sent: readonly Uint8Array[]) =>
  sent.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));

describe("the database client", () => {
  test("gives each transaction its own reply, in whatever order they come", () => {
    const reads = [reply(3, "c"), reply(1, "a"), reply(2, "b")];
    const database = openDatabase(recorded(reads, socket));
    const pending = [1, 2, 3].map(() => database.send([select], noHurry));
    expect(pending.map((one) => one.results(noHurry))).toEqual([rows("a"), rows("b"), rows("c")]);
  });

  test("gives the same results when asked again", () => {
    const database = openDatabase(recorded([reply(1, "a")], socket));
    const pending = database.send([select], noHurry);
    expect(pending.results(noHurry)).toEqual(rows("a"));
    expect(pending.results(noHurry)).toEqual(rows("a"));
  });

  test("answers echo requests while it waits", () => {
    const echo = message({ id: "echo", method: "echo", params: ["x"] });
    const stream = recorded([echo, reply(1, "a")], socket);
    expect(openDatabase(stream).transact([select], noHurry)).toEqual(rows("a"));
    expect(textsOf(stream.sent)[1]).toEqual({ id: "echo", result: ["x"], error: null });
  });

  test("may be asked again after a deadline", () => {
    const whole = reply(1, "a");
    const reads = [whole.subarray(0, 9), "late", whole.subarray(9)] as const;
    const pending = openDatabase(recorded(reads, socket)).send([select], noHurry);
    expect(failureOf(() => pending.results(noHurry))?.kind).toBe("try-again");
    expect(pending.results(noHurry)).toEqual(rows("a"));
  });

  test("says that the database hung up, also in the middle of a reply", () => {
    const whole = reply(1, "a");
    for (const reads of [[], [whole.subarray(0, 9)]]) {
      const failure = failureOf(() =>
        openDatabase(recorded(reads, socket)).transact([select], noHurry),
      );
      expect(failure?.kind).toBe("io");
      expect(failure?.message).toBe(`Cannot talk to "${socket}": the database hung up`);
    }
  });

  test.each([5, null, "1"])("refuses a reply to what was not asked: %j", (id) => {
    const failure = failureOf(() =>
      openDatabase(recorded([reply(id, "a")], socket)).transact([select], noHurry),
    );
    expect(failure?.kind).toBe("decode");
    expect(failure?.message).toContain("which was not asked");
  });

  test("watches rows, and keeps what comes meanwhile", () => {
    const update = (name: string) =>
      message({
        id: null,
        method: "update",
        params: ["monitor 1", { Port: { u: { new: { name } } } }],
      });
    const initial = message({
      id: 1,
      result: { Port: { u: { new: { name: "p" } } } },
      error: null,
    });
    const stream = recorded([initial, update("q"), reply(2, "a"), update("r")], socket);
    const database = openDatabase(stream);
    const monitor = database.monitor({ Port: { columns: ["name"] } }, noHurry);
    expect(monitor.initial).toEqual({ Port: { u: { new: { name: "p" } } } });
    expect(database.transact([select], noHurry)).toEqual(rows("a"));
    expect(monitor.next(noHurry)).toEqual({ Port: { u: { new: { name: "q" } } } });
    expect(monitor.next(noHurry)).toEqual({ Port: { u: { new: { name: "r" } } } });
    expect(failureOf(() => monitor.next(noHurry))?.kind).toBe("io");
  });

  test("says why rows can't be watched", () => {
    const refusal = message({ id: 1, result: null, error: { error: "no table", details: "X" } });
    const failure = failureOf(() =>
      openDatabase(recorded([refusal], socket)).monitor({ X: {} }, noHurry),
    );
    expect(failure?.message).toBe("Cannot ask the switch's database: no table: X");
  });

  test("reads replies split anywhere; mutated in any byte they give results or a failure", () => {
    const ask = (reads: readonly Uint8Array[]) =>
      openDatabase(recorded(reads, socket)).transact([select], noHurry);
    const whole = reply(1, "ü");
    for (const reads of splits(whole)) expect(ask(reads)).toEqual(rows("ü"));
    for (const bytes of mutations(whole)) failureOf(() => ask([bytes]));
  });

  test("closes its stream", () => {
    const stream = recorded([], socket);
    openDatabase(stream).close();
    expect(stream.closed()).toBe(true);
  });
});
