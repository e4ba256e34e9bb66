import { describe, expect, test } from "vitest";
import { openFlows } from "../../../lib/ovs/flows.ts";
import { messageSplitter } from "../../../lib/ovs/message-stream.ts";
import { concat, failureOf, hex, mutations, noHurry, recorded, splits, utf8 } from "./recorded.ts";
import { added, samples } from "./sample-flows.ts";

const cookies = { cookie: 1n, mask: 0xffn };
const hello = hex("06 00 0010 00000000 0001 0008 00000040");
const barrier = (xid: string) => hex(`06 15 0008 000000${xid}`);
const refusal = (xid: string, type = "0002", code = "0004") =>
  hex(`06 01 000c 000000${xid} ${type} ${code}`);
const totals = (xid: string) =>
  hex(`06 13 0038 000000${xid} 0002 0000 00000000
    0000 0024 80020604 00000005 80020808 0000000000000102 80020a08 0000000000000fff 00000000`);
const counted = { flows: 5, packets: 258n, bytes: 0xfffn };
const [one, two] = added(samples.slice(2, 4).map(([, flow]) => flow));
if (one === undefined || two === undefined) throw new Error("no samples");

/** The types of the messages in each send. */
const typesOf = (sent: readonly Uint8Array[]) =>
  sent.map((bytes) =>
    messageSplitter()
      .push(bytes)
      .map((message) => message[1]),
  );

describe("the OpenFlow client", () => {
  test("sends the hello with its first request, and reads the answer split anywhere", () => {
    for (const reads of splits(concat([hello, totals("02")]))) {
      const stream = recorded(reads);
      expect(openFlows(stream).aggregate(cookies, noHurry)).toEqual(counted);
      expect(typesOf(stream.sent)).toEqual([[0, 18]]);
    }
  });

  test("stages in one send and commits in another", () => {
    // 2 opens, 3 and 4 add; 6 commits.
    const stream = recorded([hello, barrier("05"), barrier("07")]);
    const staged = openFlows(stream).stage([one, two], noHurry);
    expect(typesOf(stream.sent)).toEqual([[0, 33, 34, 34, 20]]);
    staged.commit(noHurry);
    expect(typesOf(stream.sent).slice(1)).toEqual([[33, 20]]);
  });

  test("discards a bundle of which a change was refused, and says which and why", () => {
    const stream = recorded([concat([hello, refusal("04"), barrier("05")])]);
    const staged = openFlows(stream).stage([one, two], noHurry);
    const failure = failureOf(() => staged.commit(noHurry));
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toBe(
      `Cannot add flow "${samples[3]?.[0]}" to bridge "sp0": ` +
        "bad action: bad out port (OFPBAC_BAD_OUT_PORT)",
    );
    expect(failure?.details).toBeUndefined();
    // Type "discard", of bundle 1.
    expect(stream.sent.slice(1)).toEqual([hex("06 21 0010 00000006 00000001 0006 0003")]);
  });

  test("tells of ten refusals at most", () => {
    const refused = Array.from({ length: 12 }, (_, index) =>
      refusal((index + 3).toString(16).padStart(2, "0")),
    );
    const stream = recorded([concat([hello, ...refused, barrier("0f")])]);
    const staged = openFlows(stream).stage(new Array(12).fill(one), noHurry);
    const lines = failureOf(() => staged.commit(noHurry))?.details?.split("\n") ?? [];
    expect(lines).toHaveLength(11);
    expect(lines[10]).toBe("2 more");
  });

  test("tells of a bundle that can't be opened, and of a commit that fails", () => {
    const full = recorded([concat([hello, refusal("02", "0011", "0005"), barrier("04")])]);
    expect(failureOf(() => openFlows(full).stage([one], noHurry).commit(noHurry))?.message).toBe(
      'Cannot open a bundle on bridge "sp0": bundle failed: out of bundles (OFPBFC_OUT_OF_BUNDLES)',
    );
    const failing = recorded([
      concat([hello, barrier("04")]),
      // The switch names the change as well as the commit.
      concat([refusal("03", "0005", "0001"), refusal("05", "0011", "000d"), barrier("06")]),
    ]);
    const failure = failureOf(() => openFlows(failing).stage([one], noHurry).commit(noHurry));
    expect(failure?.message).toContain("flow mod failed: table full (OFPFMFC_TABLE_FULL)");
    expect(failure?.details).toContain('Cannot commit a bundle on bridge "sp0": bundle failed');
    // A bundle whose commit failed is gone already.
    expect(typesOf(failing.sent)).toEqual([
      [0, 33, 34, 20],
      [33, 20],
    ]);
  });

  test("answers questions while a bundle is staged", () => {
    const stream = recorded([concat([hello, barrier("04"), totals("05")]), barrier("07")]);
    const flows = openFlows(stream);
    const staged = flows.stage([one], noHurry);
    expect(flows.aggregate(cookies, noHurry)).toEqual(counted);
    staged.commit(noHurry);
  });

  test("joins an answer of many parts, and says why there is none", () => {
    const description =
      "0030 0000 05 00 0007 0000 0000 0000 0000 0000000000000001 0001 0004 00000000 0000 0004 00000000";
    const part = (more: string) =>
      hex(`06 13 0040 00000002 0001 000${more} 00000000 ${description} 0001 0008 1e 000000`);
    const stream = recorded([concat([hello, part("1"), part("1")]), part("0")]);
    expect(openFlows(stream).dump(cookies, noHurry)).toEqual(
      new Array(3).fill({
        cookie: 1n,
        table: 5,
        priority: 7,
        match: {},
        actions: [{ do: "goto", table: 30 }],
      }),
    );
    const refusing = recorded([concat([hello, refusal("02", "0001", "0002")])]);
    expect(failureOf(() => openFlows(refusing).dump(cookies, noHurry))?.message).toBe(
      'Cannot read the flows of bridge "sp0": bad request: bad stat (OFPBRC_BAD_STAT)',
    );
  });

  test("answers echo requests while it waits", () => {
    const stream = recorded([concat([hello, hex("06 02 000a 000000aa 0102")]), totals("02")]);
    expect(openFlows(stream).aggregate(cookies, noHurry)).toEqual(counted);
    expect(stream.sent[1]).toEqual(hex("06 03 000a 000000aa 0102"));
  });

  test("may be asked again after a deadline", () => {
    const whole = concat([hello, barrier("04")]);
    const stream = recorded([whole.subarray(0, 20), "late", whole.subarray(20), barrier("06")]);
    const staged = openFlows(stream).stage([one], noHurry);
    expect(failureOf(() => staged.commit(noHurry))?.kind).toBe("try-again");
    staged.commit(noHurry);
  });

  test("says that the switch hung up", () => {
    for (const reads of [[], [hello], [hello, totals("02").subarray(0, 30)]]) {
      const failure = failureOf(() => openFlows(recorded(reads)).aggregate(cookies, noHurry));
      expect(failure?.kind).toBe("io");
      expect(failure?.message).toBe('Cannot talk to bridge "sp0": the switch hung up');
    }
  });

  test("says what to do when the bridge has no OpenFlow 1.5", () => {
    const old = hex("05 00 0010 00000000 0001 0008 00000012");
    expect(failureOf(() => openFlows(recorded([old])).aggregate(cookies, noHurry))?.message).toBe(
      'Cannot speak OpenFlow 1.5 with bridge "sp0": it has only 1.0, 1.3; ' +
        '"ovs-vsctl set bridge sp0 protocols=OpenFlow10,OpenFlow13,OpenFlow15" adds it',
    );
    const text = utf8("no common versions");
    const refusing = concat([hex("05 01 001e 00000001 0000 0000"), text]);
    expect(
      failureOf(() => openFlows(recorded([refusing])).aggregate(cookies, noHurry))?.message,
    ).toBe('Cannot speak OpenFlow 1.5 with bridge "sp0": no common versions');
  });

  test("ignores what it did not ask for, but not an error", () => {
    const portStatus = concat([
      hex("06 0c 0038 00000000 01 00000000000000 0000000a 0028 0000 02420a020041 0000"),
      utf8("port"),
      new Uint8Array(20),
    ]);
    const stray = [portStatus, hex("06 0a 0008 00000009"), barrier("77"), totals("78")];
    const stream = recorded([concat([hello, ...stray, totals("02")])]);
    expect(openFlows(stream).aggregate(cookies, noHurry)).toEqual(counted);
    const failure = failureOf(() =>
      openFlows(recorded([concat([hello, refusal("77")])])).aggregate(cookies, noHurry),
    );
    expect(failure?.message).toContain("for no request of ours");
  });

  test("given mutated answers it gives results or a failure", () => {
    for (const bytes of mutations(concat([hello, totals("02")])))
      failureOf(() => openFlows(recorded([bytes])).aggregate(cookies, noHurry));
    for (const bytes of mutations(concat([hello, refusal("04"), barrier("05"), barrier("07")])))
      failureOf(() =>
        openFlows(recorded([bytes]))
          .stage([one, two], noHurry)
          .commit(noHurry),
      );
  });

  test("closes its stream", () => {
    const stream = recorded([]);
    openFlows(stream).close();
    expect(stream.closed()).toBe(true);
  });
});
