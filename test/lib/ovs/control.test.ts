import { describe, expect, test } from "vitest";
import { controlSockets, openControl } from "../../../lib/ovs/control.ts";
import { failureOf, noHurry, recorded, splits, utf8 } from "./recorded.ts";

const socket = "/run/openvswitch/ovs-vswitchd.17.ctl";
const message = (value: unknown) => utf8(JSON.stringify(value));
const answer = (id: unknown, result: unknown) => message({ id, result, error: null });

describe("the control client", () => {
  test("sends a command with its arguments, and gives its text", () => {
    const stream = recorded([answer(1, "Flow: \n")], socket);
    const text = openControl(stream).call("ofproto/trace", ["sp0", "in_port=1"], noHurry);
    expect(text).toBe("Flow: \n");
    expect(stream.sent.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)))).toEqual([
      { id: 1, method: "ofproto/trace", params: ["sp0", "in_port=1"] },
    ]);
  });

  test("reads an answer in whatever pieces it comes", () => {
    const whole = answer(1, 'bridge("sp0")\n{}\n');
    for (const reads of splits(whole)) {
      const pieces = reads.filter(({ length }) => length > 0);
      expect(openControl(recorded(pieces, socket)).call("x", [], noHurry)).toBe(
        'bridge("sp0")\n{}\n',
      );
    }
  });

  test("passes over the answer to what was given up", () => {
    const control = openControl(recorded(["late", answer(1, "old"), answer(2, "new")], socket));
    expect(failureOf(() => control.call("x", [], noHurry))?.kind).toBe("try-again");
    expect(control.call("x", [], noHurry)).toBe("new");
  });

  test("says in the daemon's words why it will not", () => {
    const error = message({ id: 1, result: null, error: "nobr: unknown bridge\n" });
    const failure = failureOf(() =>
      openControl(recorded([error], socket)).call("ofproto/trace", ["nobr", "ip"], noHurry),
    );
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toBe('Cannot run "ofproto/trace" in the switch: nobr: unknown bridge');
  });

  test("says that the daemon hung up, and refuses what is no text", () => {
    const call = (reads: readonly Uint8Array[]) =>
      failureOf(() => openControl(recorded(reads, socket)).call("x", [], noHurry))?.kind;
    expect(call([])).toBe("io");
    expect(call([answer(1, { a: 1 })])).toBe("decode");
    expect(call([utf8("no JSON")])).toBe("decode");
  });
});

describe("the control socket", () => {
  const names = ["db.sock", "ovs-vswitchd.9.ctl", "ovs-vswitchd.17.ctl", "ovsdb-server.3.ctl"];

  test("is the one of the pid file, before what others have left", () => {
    expect(controlSockets(names, "9\n")).toEqual(["ovs-vswitchd.9.ctl", "ovs-vswitchd.17.ctl"]);
    expect(controlSockets(names, "17")).toEqual(["ovs-vswitchd.17.ctl", "ovs-vswitchd.9.ctl"]);
  });

  test("is found without that, whatever it is called", () => {
    expect(controlSockets([...names, "ovs-vswitchd.ctl"], undefined)).toEqual([
      "ovs-vswitchd.17.ctl",
      "ovs-vswitchd.9.ctl",
      "ovs-vswitchd.ctl",
    ]);
    expect(controlSockets(["db.sock", "sp0.mgmt"], "9")).toEqual([]);
  });
});
