import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { start } from "../../lab/run.ts";
import { programAt, runtimes } from "../sys/runtimes.ts";
import { samples } from "./sample-flows.ts";

let ovs: Ovs;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
});
afterAll(async () => ovs?.stop());

const program = programAt("../ovs/use-clients.ts");

test.each(["bun", "node"] as const)("both clients work under %s", async (runtime) => {
  const argv = [...runtimes[runtime], program, ovs.runDir, `p-${runtime}`];
  const { status, stdout, stderr } = await start({ argv }).outcome;
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    added: { count: 1 },
    hasNumber: true,
    ids: ["map", [["text", 'ü漢😀{"\\']]],
    guard: [true, 0],
    refused: expect.stringContaining("bad table id (OFPFMFC_BAD_TABLE_ID)"),
    flows: samples.map(([text]) => text).sort(),
    count: samples.length,
  });
});
