import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writer } from "../../../lib/ovs/bytes.ts";
import type { Flow } from "../../../lib/ovs/flow.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { openFlows } from "../../../lib/ovs/flows.ts";
import {
  writeBarrier,
  writeBundleAdd,
  writeBundleControl,
  writeFlowMod,
} from "../../../lib/ovs/openflow.ts";
import { openConnection } from "../../../lib/ovs/openflow-connection.ts";
import type { FlowChange } from "../../../lib/ovs/switch.ts";
import type { ByteStream } from "../../../lib/stream.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { connect, flowsOf, within } from "./clients.ts";
import { failureOf, hex } from "./recorded.ts";
import { added, ip4, samples } from "./sample-flows.ts";

const everything = { cookie: 0n, mask: 0n };
const exactly = (cookie: bigint) => ({ cookie, mask: 0xffff_ffff_ffff_ffffn });

let ovs: Ovs;
let flows: ReturnType<typeof flowsOf>;
const addBridge = (name: string) =>
  ovs.vsctl(
    ...["add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"],
    ...["fail_mode=secure", "protocols=OpenFlow10,OpenFlow15"],
  );
beforeAll(async () => {
  ovs = await startOvs();
  addBridge("sp0");
  addBridge("sp1");
});
afterAll(async () => ovs?.stop());
beforeEach(() => {
  ovs.ofctl("del-flows", "sp0");
  flows = flowsOf(ovs.runDir, "sp0");
  return () => flows.close();
});

/** What ovs-ofctl prints, in order. */
const printed = (bridge: string): readonly string[] =>
  ovs
    .ofctl("--no-stats", "dump-flows", bridge)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("actions="))
    .sort();
const dumped = () => flows.dump(everything, within()).map(formatFlow).sort();
const commit = (changes: readonly FlowChange[]) => flows.stage(changes, within()).commit(within());

/** A flow that the switch takes, and flows that it refuses. */
const numbered = (table: number, number: number, cookie = 1n): Flow => ({
  cookie,
  table,
  priority: 1,
  match: { reg0: 1, ethType: "ip", ipSrc: ip4(number) },
  actions: [{ do: "output", port: 1 }],
});
const good = numbered(5, 1);
const noSuchTable: Flow = { ...good, table: 255 };
const noPrerequisite: Flow = { ...good, match: { arpOp: 1 } };

describe("flows", () => {
  test("are the same by our messages and by ovs-ofctl, read by us and by ovs-ofctl", () => {
    const texts = samples.map(([text]) => text).sort();
    commit(added(samples.map(([, flow]) => flow)));
    expect(printed("sp0")).toEqual(texts);
    expect(dumped()).toEqual(texts);
    const file = join(ovs.runDir, "flows");
    writeFileSync(file, texts.join("\n"));
    ovs.ofctl("--bundle", "add-flows", "sp1", file);
    expect(printed("sp1")).toEqual(texts);
    const theirs = flowsOf(ovs.runDir, "sp1");
    const byText = (a: Flow, b: Flow) => (formatFlow(a) < formatFlow(b) ? -1 : 1);
    expect([...theirs.dump(everything, within())].sort(byText)).toEqual(
      samples.map(([, flow]) => flow).sort(byText),
    );
    theirs.close();
  });

  test("are deleted and counted by cookie, under a mask", () => {
    commit(added([numbered(1, 1, 0x10n), numbered(1, 2, 0x11n), numbered(1, 3, 0x20n)]));
    const count = (cookie: bigint, mask: bigint) =>
      flows.aggregate({ cookie, mask }, within()).flows;
    expect([count(0n, 0n), count(0x10n, 0xf0n), count(0x11n, 0xffn)]).toEqual([3, 2, 1]);
    expect(flows.dump(exactly(0x11n), within())).toEqual([numbered(1, 2, 0x11n)]);
    commit([{ do: "delete", cookies: { cookie: 0x10n, mask: 0xf0n } }]);
    expect(dumped()).toEqual([formatFlow(numbered(1, 3, 0x20n))]);
  });

  test("are deleted one by one: by match, priority and cookie, whatever they do", () => {
    const [one, two] = [numbered(1, 1, 0x10n), numbered(1, 2, 0x10n)];
    const same = { match: one.match, table: 1, actions: [] };
    const above: Flow = { ...same, priority: 2, cookie: 0x10n };
    const wider: Flow = { ...one, match: { reg0: 1 } };
    const all = [one, two, above, wider];
    commit(added(all));
    // Another priority, match or cookie: not one of them.
    for (const other of [{ priority: 3 }, { match: {} }, { cookie: 0x11n }, { table: 2 }])
      commit([{ do: "delete flow", flow: { ...one, ...other } }]);
    expect(dumped()).toEqual(all.map(formatFlow).sort());
    commit([{ do: "delete flow", flow: { ...one, actions: [] } }]);
    expect(dumped()).toEqual([two, above, wider].map(formatFlow).sort());
    // In the order sent: what takes its place stays.
    commit([{ do: "delete flow", flow: two }, ...added([{ ...two, cookie: 0x20n }])]);
    expect(dumped()).toContain(formatFlow({ ...two, cookie: 0x20n }));
  });

  test("written by others are shown as such", () => {
    ovs.ofctl("add-flow", "sp0", "cookie=7,table=3,udp,tp_dst=53,idle_timeout=60,actions=NORMAL");
    const [flow] = flows.dump(exactly(7n), within());
    expect(flow).toMatchObject({ table: 3, match: { ethType: "ip", ipProto: 17 }, actions: [] });
    expect(flow?.foreign).toEqual([
      "idle_timeout=60,hard_timeout=0",
      "match 0x8000/16=0x35",
      "output 4294967290",
    ]);
  });
});

describe("a bundle", () => {
  test.each([
    [noSuchTable, "flow mod failed: bad table id (OFPFMFC_BAD_TABLE_ID)"],
    [noPrerequisite, "bad match: bad prereq (OFPBMC_BAD_PREREQ)"],
  ])("of which a flow is refused does nothing: %#", (refused, words) => {
    commit(added([numbered(4, 1)]));
    const before = dumped();
    const failure = failureOf(() =>
      commit([{ do: "delete", cookies: everything }, ...added([good, refused, numbered(5, 2)])]),
    );
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toBe(
      `Cannot add flow "${formatFlow(refused)}" to bridge "sp0": ${words}`,
    );
    expect(dumped()).toEqual(before);
    // The connection is as good as before.
    commit(added([good]));
    expect(dumped()).toContain(formatFlow(good));
  });

  test("committed without reading would do the rest: why its errors are read first", () => {
    const connection = openConnection(connect(ovs.runDir, "sp0.mgmt"));
    let barrier = 0;
    connection.send((to, nextXid) => {
      writeBundleControl(to, nextXid(), 1, "open");
      for (const change of added([good, noSuchTable, numbered(5, 2)]))
        writeBundleAdd(to, nextXid(), 1, change);
      writeBundleControl(to, nextXid(), 1, "commit");
      barrier = nextXid();
      writeBarrier(to, barrier);
    }, within());
    connection.answer(barrier, (message) => message.type === "barrier", within());
    expect(dumped()).toEqual([good, numbered(5, 2)].map(formatFlow));
  });

  test("whose commit is refused does nothing, and says which flow it was", () => {
    const full = ["flow_limit=2", "overflow_policy=refuse"];
    ovs.vsctl(
      ...["--", "--id=@full", "create", "Flow_Table", ...full],
      ...["--", "set", "bridge", "sp0", "flow_tables:60=@full"],
    );
    commit(added([numbered(4, 1)]));
    const before = dumped();
    const changes = added([1, 2, 3].map((number) => numbered(60, number)));
    const failure = failureOf(() => commit([{ do: "delete", cookies: everything }, ...changes]));
    expect(failure?.message).toBe(
      `Cannot add flow "${formatFlow(numbered(60, 3))}" to bridge "sp0": ` +
        "flow mod failed: table full (OFPFMFC_TABLE_FULL)",
    );
    expect(dumped()).toEqual(before);
    commit(added([good]));
    expect(dumped()).toHaveLength(2);
  });

  test("replaces 5,000 flows at once", () => {
    const generation = (table: number) =>
      Array.from({ length: 5000 }, (_, index) => numbered(table, index));
    commit(added(generation(1)));
    expect(flows.aggregate(exactly(1n), within()).flows).toBe(5000);
    commit([{ do: "delete", cookies: exactly(1n) }, ...added(generation(2))]);
    const now = flows.dump(everything, within());
    expect(now).toHaveLength(5000);
    expect(new Set(now.map(formatFlow))).toEqual(new Set(generation(2).map(formatFlow)));
  });

  test("of 20,000 refused flows ends as any other: nobody waits for the other to read", () => {
    const refused = Array.from({ length: 20_000 }, () => noSuchTable);
    const failure = failureOf(() => commit(added(refused)));
    expect(failure?.kind).toBe("switch-refused");
    expect(dumped()).toEqual([]);
  });

  test("takes one send to stage, with the hello, and one to commit", () => {
    const stream = connect(ovs.runDir, "sp0.mgmt");
    let sends = 0;
    const counting: ByteStream = {
      ...stream,
      send: (bytes, deadline) => {
        sends += 1;
        stream.send(bytes, deadline);
      },
    };
    const client = openFlows(counting);
    const staged = client.stage(added(samples.map(([, flow]) => flow)), within());
    expect(sends).toBe(1);
    expect(dumped()).toEqual([]);
    staged.commit(within());
    expect(sends).toBe(2);
    expect(dumped()).toHaveLength(samples.length);
    client.close();
  });

  test("does not disturb another, nor a question, while it is staged", () => {
    const first = flows.stage(added([numbered(1, 1)]), within());
    const second = flows.stage(added([numbered(1, 2)]), within());
    expect(flows.aggregate(everything, within()).flows).toBe(0);
    second.commit(within());
    first.commit(within());
    expect(flows.aggregate(everything, within()).flows).toBe(2);
  });

  test("that was never committed is dropped with its connection", () => {
    const client = flowsOf(ovs.runDir, "sp0");
    client.stage(added([good]), within());
    expect(client.aggregate(everything, within()).flows).toBe(0);
    client.close();
    expect(dumped()).toEqual([]);
  });
});

test("OpenFlow 1.5 refuses Nicira's move, and takes copy_field", () => {
  const move = "ffff 0018 00002320 0006 0020 0000 0000 00002c04 00000406";
  const refused = openConnection(connect(ovs.runDir, "sp0.mgmt"));
  let xid = 0;
  let barrier = 0;
  refused.send((to, nextXid) => {
    const flowMod = writer();
    xid = nextXid();
    const match = { ethType: "arp" } as const;
    const flow = { ...good, match, actions: [] };
    writeFlowMod(flowMod, xid, { do: "add", flow });
    // An apply-actions of the move alone.
    const instruction = hex(`0004 0020 00000000 ${move}`);
    flowMod.setUint16(2, flowMod.size() + instruction.length);
    for (const byte of [...flowMod.bytes(), ...instruction]) to.uint(byte, 1);
    barrier = nextXid();
    writeBarrier(to, barrier);
  }, within());
  refused.answer(barrier, (message) => message.type === "barrier", within());
  expect(refused.errorOf(xid)?.words).toBe("bad action: bad vendor type (OFPBAC_BAD_VENDOR_TYPE)");
  commit(
    added([
      { ...good, match: { ethType: "arp" }, actions: [{ do: "copy to eth_dst", from: "arp_tpa" }] },
    ]),
  );
  expect(dumped()).toHaveLength(1);
});

describe("the switch", () => {
  test("names its ports", () => {
    ovs.vsctl(
      "add-port",
      "sp0",
      "p0",
      "--",
      "set",
      "interface",
      "p0",
      "type=internal",
      "ofport_request=10",
    );
    expect(flows.ports(within())).toContainEqual({ port: 10, name: "p0", linkDown: true });
    ovs.vsctl("del-port", "sp0", "p0");
  });

  test("without OpenFlow 1.5 on the bridge is told so, with the remedy", () => {
    addBridge("sp2");
    ovs.vsctl("set", "bridge", "sp2", "protocols=OpenFlow10,OpenFlow13");
    const client = flowsOf(ovs.runDir, "sp2");
    const failure = failureOf(() => client.aggregate(everything, within()));
    client.close();
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toMatch(
      /^Cannot speak OpenFlow 1.5 with bridge "sp2": it has only 1.0, 1.3; /,
    );
    const remedy = /"ovs-vsctl (set bridge .*)"/.exec(failure?.message ?? "")?.[1] ?? "";
    ovs.vsctl(...remedy.split(" "));
    const again = flowsOf(ovs.runDir, "sp2");
    expect(again.aggregate(everything, within()).flows).toBe(0);
    again.close();
  });

  test.each(["before", "after"])(
    "that stops %s it looked at a bundle costs a deadline, and no more",
    (when) => {
      const pid = Number(readFileSync(join(ovs.runDir, "ovs-vswitchd.pid"), "utf8"));
      try {
        if (when === "before") process.kill(pid, "SIGSTOP");
        const staged = flows.stage(added([good]), within());
        if (when === "after") flows.aggregate(everything, within());
        process.kill(pid, "SIGSTOP");
        expect(failureOf(() => staged.commit(within(50)))?.kind).toBe("try-again");
        process.kill(pid, "SIGCONT");
        staged.commit(within());
      } finally {
        process.kill(pid, "SIGCONT");
      }
      expect(dumped()).toEqual([formatFlow(good)]);
    },
  );

  // Last: the switch forgets its flows.
  test("that is gone hangs up and can't be connected to, though its socket's file stays", async () => {
    const other = flowsOf(ovs.runDir, "sp0");
    commit(added([good]));
    await ovs.killSwitch();
    expect(failureOf(() => flows.aggregate(everything, within()))?.kind).toBe("io");
    expect(failureOf(() => other.aggregate(everything, within()))?.kind).toBe("io");
    other.close();
    expect(existsSync(join(ovs.runDir, "sp0.mgmt"))).toBe(true);
    const failure = failureOf(() => connect(ovs.runDir, "sp0.mgmt"));
    expect(failure?.kind).toBe("io");
    expect(failure?.message).toContain("ECONNREFUSED");
    await ovs.startSwitch();
    const again = flowsOf(ovs.runDir, "sp0");
    expect(again.aggregate(everything, within()).flows).toBe(0);
    again.close();
  });
});
