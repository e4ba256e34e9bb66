import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reader, type Writer, writer } from "../../../lib/ovs/bytes.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { readInstructions } from "../../../lib/ovs/instructions.ts";
import { messageSplitter } from "../../../lib/ovs/message-stream.ts";
import {
  writeAggregateRequest,
  writeBarrier,
  writeBundleAdd,
  writeBundleControl,
  writeEchoReply,
  writeFlowMod,
  writeFlowsRequest,
  writeHello,
  writePortsRequest,
} from "../../../lib/ovs/openflow.ts";
import { wordsOfError } from "../../../lib/ovs/openflow-errors.ts";
import {
  readAggregate,
  readFlows,
  readMessage,
  readPorts,
} from "../../../lib/ovs/openflow-read.ts";
import { readMatch } from "../../../lib/ovs/oxm.ts";
import { concat, failureOf, hex, mutations, splits, utf8 } from "./recorded.ts";
import { samples } from "./sample-flows.ts";

const cookies = { cookie: 0x5350n, mask: 0xffffn };
const written = (write: (to: Writer) => void): Uint8Array => {
  const to = writer();
  write(to);
  return to.bytes();
};

/** What ovs-ofctl reads in messages: another implementation's opinion, without a switch. */
function parsed(messages: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "sp-openflow-"));
  try {
    writeFileSync(join(folder, "messages"), messages);
    const run = spawnSync("ovs-ofctl", ["ofp-parse", join(folder, "messages")], {
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(`ovs-ofctl: ${run.error?.message ?? run.stderr}`);
    return run.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("messages written", () => {
  test.each<[string, (to: Writer) => void, string]>([
    ["hello", (to) => writeHello(to, 1), "06 00 0010 00000001  0001 0008 00000040"],
    ["barrier", (to) => writeBarrier(to, 2), "06 14 0008 00000002"],
    ["echo reply", (to) => writeEchoReply(to, 3, hex("aabb")), "06 03 000a 00000003 aabb"],
    [
      "bundle open",
      (to) => writeBundleControl(to, 4, 9, "open"),
      "06 21 0010 00000004  00000009 0000 0003",
    ],
    [
      "bundle commit",
      (to) => writeBundleControl(to, 4, 9, "commit"),
      "06 21 0010 00000004  00000009 0004 0003",
    ],
    [
      "bundle discard",
      (to) => writeBundleControl(to, 4, 9, "discard"),
      "06 21 0010 00000004  00000009 0006 0003",
    ],
    [
      "flows deleted, in a bundle",
      (to) => writeBundleAdd(to, 5, 9, { do: "delete", cookies }),
      `06 22 0048 00000005  00000009 0000 0003
       06 0e 0038 00000005  0000000000005350 000000000000ffff ff 03 0000 0000 0000
       ffffffff ffffffff ffffffff 0000 0000  0001 0004 00000000`,
    ],
    [
      "a flow added",
      (to) =>
        writeFlowMod(to, 6, {
          do: "add",
          flow: {
            cookie: 1n,
            table: 30,
            priority: 100,
            match: { inPort: 10, ethType: "arp" },
            actions: [
              { do: "copy to eth_dst", from: "arp_tpa" },
              { do: "output", port: 2 },
              { do: "goto", table: 40 },
            ],
          },
        }),
      `06 0e 0080 00000006  0000000000000001 0000000000000000 1e 00 0000 0000 0064
       ffffffff ffffffff ffffffff 0000 0000
       0001 0012 80000004 0000000a 80000a02 0806 000000000000
       0004 0030 00000000
         001c 0018 0020 0000 0000 0000 80002e04 80000606 00000000
         0000 0010 00000002 0000 000000000000
       0001 0008 28 000000`,
    ],
    [
      "aggregate asked",
      (to) => writeAggregateRequest(to, 7, cookies),
      `06 12 0038 00000007  0002 0000 00000000
       ff 000000 ffffffff ffffffff 00000000 0000000000005350 000000000000ffff 0001 0004 00000000`,
    ],
    [
      "flows asked",
      (to) => writeFlowsRequest(to, 8, cookies),
      `06 12 0038 00000008  0001 0000 00000000
       ff 000000 ffffffff ffffffff 00000000 0000000000005350 000000000000ffff 0001 0004 00000000`,
    ],
    [
      "ports asked",
      (to) => writePortsRequest(to, 9),
      "06 12 0018 00000009  000d 0000 00000000  ffffffff 00000000",
    ],
  ])("%s", (_, write, bytes) => {
    expect(written(write)).toEqual(hex(bytes));
  });

  test("say to ovs-ofctl what they should", () => {
    const text = parsed(
      written((to) => {
        writeHello(to, 1);
        writeBundleControl(to, 2, 9, "open");
        writeBundleAdd(to, 3, 9, { do: "delete", cookies });
        writeAggregateRequest(to, 4, cookies);
        writeFlowsRequest(to, 5, cookies);
        writePortsRequest(to, 6);
        writeBarrier(to, 7);
      }),
    );
    expect(text).not.toContain("decode error");
    expect(text.split("\n").map((line) => line.trim())).toEqual([
      "OFPT_HELLO (OF1.5) (xid=0x1):",
      "version bitmap: 0x06",
      "OFPT_BUNDLE_CONTROL (OF1.5) (xid=0x2):",
      "bundle_id=0x9 type=OPEN_REQUEST flags=atomic ordered",
      "OFPT_BUNDLE_ADD_MESSAGE (OF1.5) (xid=0x3):",
      "bundle_id=0x9 flags=atomic ordered",
      "OFPT_FLOW_MOD (OF1.5) (xid=0x3): DEL table:255 priority=0 cookie:0x5350/0xffff actions=drop",
      "OFPST_AGGREGATE request (OF1.5) (xid=0x4):",
      "OFPST_FLOW request (OF1.5) (xid=0x5):",
      "OFPST_PORT_DESC request (OF1.5) (xid=0x6): port=ANY",
      "OFPT_BARRIER_REQUEST (OF1.5) (xid=0x7):",
      "",
    ]);
  });

  test("grow far beyond the writer's first buffer", () => {
    const flows = samples.map(([, flow]) => flow);
    const bytes = written((to) => {
      for (let xid = 0; xid < 20 * flows.length; xid += 1) {
        const flow = flows[xid % flows.length];
        if (flow !== undefined) writeFlowMod(to, xid, { do: "add", flow });
      }
    });
    const messages = messageSplitter().push(bytes);
    expect(messages).toHaveLength(20 * flows.length);
    expect(messages.at(-1)?.slice(4)).toEqual(
      written((to) => {
        const flow = flows.at(-1);
        if (flow !== undefined) writeFlowMod(to, 20 * flows.length - 1, { do: "add", flow });
      }).slice(4),
    );
  });
});

/** A flow as the switch describes it, after its length. */
const described = (text: string, from: Uint8Array): string => {
  const [flow] = readFlows(from);
  if (flow === undefined) throw new Error(`no flow for ${text}`);
  return formatFlow(flow);
};

/** A flow mod's match and instructions as the body of an answer about flows. */
function descriptionOf(flowMod: Uint8Array): Uint8Array {
  const from = reader(flowMod.subarray(8 + 40), "match");
  const before = from.left();
  readMatch(from);
  const matchSize = before - from.left();
  const match = flowMod.subarray(48, 48 + matchSize);
  const instructions = flowMod.subarray(48 + matchSize);
  // table, priority; no timeouts; cookie.
  const head = concat([
    hex("0000"),
    flowMod.subarray(24, 25),
    hex("00"),
    flowMod.subarray(30, 32),
    hex("0000 0000 0000 0000"),
    flowMod.subarray(8, 16),
  ]);
  const statistics = hex("0000 000c 80020205 00000000 00000000");
  const body = concat([head, match, statistics.subarray(0, 16), instructions]);
  return concat([Uint8Array.of((body.length + 2) >>> 8, body.length + 2), body]);
}

describe("messages read", () => {
  test("come out whole wherever the stream is split", () => {
    const messages = [
      hex("06150008 00000002"),
      hex("0603000a 00000003 aabb"),
      hex("06150008 00000004"),
    ];
    for (const reads of splits(concat(messages))) {
      const splitter = messageSplitter();
      expect(reads.flatMap((bytes) => splitter.push(bytes))).toEqual(messages);
    }
  });

  test("must be as long as their header", () => {
    for (const length of ["00", "07"]) {
      const failure = failureOf(() => messageSplitter().push(hex(`061500${length} 00000002`)));
      expect(failure?.kind).toBe("decode");
    }
  });

  test("are told apart", () => {
    expect(readMessage(hex("06 00 0010 00000001 0001 0008 00000052"))).toEqual({
      type: "hello",
      versions: [1, 4, 6],
    });
    // Without a bitmap; with an element that isn't known before it.
    expect(readMessage(hex("04 00 0008 00000001"))).toEqual({
      type: "hello",
      versions: [1, 2, 3, 4],
    });
    expect(readMessage(hex("06 00 0018 00000001 0005 0006 aabb 0000 0001 0008 00000040"))).toEqual({
      type: "hello",
      versions: [6],
    });
    expect(readMessage(hex("06 01 000e 00000005 0002 0004 0e0e"))).toEqual({
      type: "error",
      xid: 5,
      error: {
        type: 2,
        code: 4,
        words: "bad action: bad out port (OFPBAC_BAD_OUT_PORT)",
        data: hex("0e0e"),
      },
    });
    expect(readMessage(hex("06 02 000a 00000006 aabb"))).toEqual({
      type: "echo",
      xid: 6,
      data: hex("aabb"),
    });
    expect(readMessage(hex("06 15 0008 00000007"))).toEqual({ type: "barrier", xid: 7 });
    expect(readMessage(hex("06 13 0012 00000008 0001 0001 00000000 aabb"))).toEqual({
      type: "multipart",
      xid: 8,
      more: true,
      body: hex("aabb"),
    });
    expect(readMessage(hex("06 0a 0008 00000009"))).toEqual({ type: "other", kind: 10 });
  });

  const port = concat([
    hex("0000000a 0048 0000 02420a020041 0000"),
    utf8("spv0123456789ab"),
    hex("00 00000000 00000001"),
    // Two properties, one of Ethernet.
    hex("0000 0020 00000000 0000000000000000 0000000000000000 0000000000000000"),
  ]);
  test("tell a port's state", () => {
    const state = { port: 10, name: "spv0123456789ab", linkDown: true };
    const status = concat([hex("06 0c 0058 00000000 01 00000000000000"), port]);
    expect(readMessage(status)).toEqual({ type: "port", reason: "deleted", state });
    expect(readPorts(concat([port, port]))).toEqual([state, state]);
    expect(failureOf(() => readMessage(hex("06 0c 0010 00000000 09 00000000000000")))?.kind).toBe(
      "decode",
    );
  });

  test("are of version 1.5 once the hellos are over", () => {
    expect(failureOf(() => readMessage(hex("04150008 00000002")))?.message).toBe(
      "Cannot decode an OpenFlow message: its version is 4, not 6",
    );
  });

  const totals = hex(`0000 0024 80020604 00000005 80020808 0000000000000102
    80020a08 00000000ffffffff 00000000`);
  test("count flows, packets and bytes", () => {
    expect(readAggregate(totals)).toEqual({ flows: 5, packets: 258n, bytes: 0xffff_ffffn });
    expect(failureOf(() => readAggregate(hex("0000 0004")))?.message).toContain("count is missing");
  });

  test.each(samples)("describe a flow: %s", (text, flow) => {
    const flowMod = written((to) => writeFlowMod(to, 1, { do: "add", flow }));
    const description = descriptionOf(flowMod);
    expect(described(text, description)).toBe(text);
    expect(readFlows(concat([description, description]))).toHaveLength(2);
  });

  test("show what the types don't have", () => {
    const match = readMatch(
      reader(hex("0001 0012 80000a02 0847 80000d04 1005 1fff 0000 0000 0000"), "a match"),
    );
    expect(match).toEqual({
      match: {},
      foreign: ["match 0x8000/5=0x847", "match 0x8000/6=0x1005/0x1fff"],
    });
    const controller = "0000 0010 fffffffd ffff 000000000000";
    const popVlan = "0012 0008 00000000";
    const setTtl = "0019 0010 8000ee01 40 000000 00000000";
    const instructions = readInstructions(
      reader(hex(`0004 0030 00000000 ${controller} ${popVlan} ${setTtl} 0006 0008 00000001`), "it"),
    );
    expect(instructions).toEqual({
      actions: [],
      foreign: [
        "output 4294967293",
        "action 18 00000000",
        "set_field 0x8000/119=0x40",
        "instruction 6 00000001",
      ],
    });
  });

  test("mutated in any byte, or cut off, are something else or a failure", () => {
    const flows = samples.map(([, flow]) =>
      descriptionOf(written((to) => writeFlowMod(to, 1, { do: "add", flow }))),
    );
    for (const bytes of flows.flatMap((one) => [...mutations(one)])) {
      failureOf(() => readFlows(bytes).map(formatFlow));
    }
    for (const bytes of mutations(totals)) failureOf(() => readAggregate(bytes));
    for (const bytes of mutations(port)) failureOf(() => readPorts(bytes));
    const messages = concat([
      hex("06 00 0010 00000001 0001 0008 00000052"),
      hex("06 01 000e 00000005 0002 0004 0e0e"),
      concat([hex("06 0c 0058 00000000 01 00000000000000"), port]),
      hex("06 13 0012 00000008 0001 0001 00000000 aabb"),
    ]);
    for (const bytes of mutations(messages)) {
      failureOf(() => messageSplitter().push(bytes).map(readMessage));
    }
  });
});

test("errors are called as ovs-ofctl calls them", () => {
  const named = [0, 1, 2, 3, 4, 5, 17].flatMap((type) =>
    Array.from({ length: 25 }, (_, code) => ({ type, code })),
  );
  const errors = named.map(({ type, code }) =>
    hex(
      `06 01 000c 00000001 00${type.toString(16).padStart(2, "0")} 00${code.toString(16).padStart(2, "0")}`,
    ),
  );
  const lines = parsed(concat(errors))
    .split("\n")
    .filter((line) => line.startsWith("OFPT_ERROR"));
  expect(lines).toHaveLength(named.length);
  for (const [index, { type, code }] of named.entries()) {
    const theirs = /: (OFP\w+)$/.exec(lines[index] ?? "")?.[1];
    const ours = /\((OFP\w+)\)$/.exec(wordsOfError(type, code))?.[1];
    expect(ours, `type ${type}, code ${code}`).toBe(theirs);
  }
  expect(wordsOfError(17, 13)).toBe("bundle failed: msg failed (OFPBFC_MSG_FAILED)");
  expect(wordsOfError(6, 3)).toBe("group mod failed: code 3");
  expect(wordsOfError(99, 3)).toBe("error type 99, code 3");
  expect(wordsOfError(0xffff, 3)).toBe("experimenter error 3");
});
