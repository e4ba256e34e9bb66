/** Meters of a real switch: put in, read back, used by flows, and told from others'. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { everyFlow } from "../../../lib/overlay/cookies.ts";
import type { Flow } from "../../../lib/ovs/flow.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { flowsOf, within } from "./clients.ts";
import { failureOf } from "./recorded.ts";

let ovs: Ovs;
let flows: ReturnType<typeof flowsOf>;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
  flows = flowsOf(ovs.runDir, "sp0");
});
afterAll(async () => {
  flows?.close();
  await ovs?.stop();
});

const meter = { id: 40, rate: 8000, burst: 800 };
const flow: Flow = {
  cookie: 0x5350_0300_0000_0014n,
  table: 0,
  priority: 100,
  match: { inPort: 20 },
  actions: [
    { do: "meter", id: 40 },
    { do: "set reg0", value: 1 },
    { do: "goto", table: 30 },
  ],
};

test("are put in, changed and read back as they are, others' as what ours never are", () => {
  expect(flows.meters(within())).toEqual([]);
  flows.changeMeters(
    [
      { do: "delete", id: 40 },
      { do: "add", meter },
    ],
    within(),
  );
  expect(ovs.ofctl("dump-meters", "sp0")).toMatch(
    /meter=40 kbps burst bands=\s*type=drop rate=8000 burst_size=800/,
  );
  ovs.ofctl("add-meter", "sp0", "meter=7,pktps,band=type=drop,rate=5");
  expect(flows.meters(within())).toEqual(
    expect.arrayContaining([meter, { id: 7, rate: 0, burst: 0 }]),
  );
  flows.changeMeters([{ do: "modify", meter: { ...meter, rate: 9000 } }], within());
  expect(flows.meters(within())).toContainEqual({ ...meter, rate: 9000 });
  flows.changeMeters([{ do: "delete", id: 7 }], within());
});

test("are used by flows, which go with them", () => {
  flows.stage([{ do: "add", flow }], within()).commit(within());
  expect(ovs.ofctl("--no-stats", "dump-flows", "sp0", "table=0")).toContain(
    `${formatFlow(flow)}\n`,
  );
  expect(flows.dump(everyFlow, within())).toEqual([flow]);
  flows.changeMeters([{ do: "delete", id: 40 }], within());
  expect(flows.dump(everyFlow, within())).toEqual([]);
});

test("that can't be are refused, and the others made", () => {
  const other = { ...meter, id: 41 };
  const failure = failureOf(() =>
    flows.changeMeters(
      [
        { do: "modify", meter: { ...meter, id: 50 } },
        { do: "add", meter: other },
      ],
      within(),
    ),
  );
  expect(failure?.kind).toBe("switch-refused");
  expect(failure?.message).toBe(
    'Cannot modify a meter of bridge "sp0": meter mod failed: unknown meter (OFPMMFC_UNKNOWN_METER)',
  );
  expect(flows.meters(within())).toEqual([other]);
  const unknown = failureOf(() => flows.stage([{ do: "add", flow }], within()).commit(within()));
  expect(unknown?.kind).toBe("switch-refused");
});
