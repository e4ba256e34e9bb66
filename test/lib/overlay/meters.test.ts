/** Which meters a limited container has, and what a switch lacks of them. */
import { expect, test } from "vitest";
import { attachmentFlows } from "../../../lib/overlay/attachment.ts";
import { meterDifferences, metersOf } from "../../../lib/overlay/meters.ts";
import type { SwitchAttachment } from "../../../lib/overlay/state.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { ip4, ip6, mac } from "../ovs/sample-flows.ts";

const port: SwitchAttachment = {
  vni: 5,
  ofport: 20,
  address: ip4(0x0a020041),
  address6: ip6("fd00:2::a02:41"),
  mac: mac("02:42:0a:02:00:41"),
};
const send = { rate: 8000, burst: 800 };
const receive = { rate: 9000, burst: 900 };
const limited: SwitchAttachment = { ...port, limits: { send, receive } };

test("what it sends passes one, but for ARP and neighbour discovery; what it receives another", () => {
  const plain = attachmentFlows(port).map(formatFlow);
  const flows = attachmentFlows(limited).map(formatFlow);
  const changed = flows.filter((flow) => !plain.includes(flow));
  const actions = changed.map((flow) => flow.slice(flow.indexOf("priority=")));
  const from = "in_port=20,vlan_tci=0x0000/0x1fff,dl_src=02:42:0a:02:00:41";
  const on = "actions=meter:40,set_field:0x5->reg0,goto_table:30";
  expect(actions.sort()).toEqual([
    `priority=100,ip,${from},nw_src=10.2.0.65 ${on}`,
    `priority=100,ipv6,${from},ipv6_src=fd00:2::a02:41 ${on}`,
    `priority=100,ipv6,${from},ipv6_src=fe80::a02:41 ${on}`,
    "priority=100,reg0=0x5,dl_dst=02:42:0a:02:00:41 actions=meter:41,output:20",
  ]);
  expect(flows).toHaveLength(plain.length);
  expect(metersOf(port)).toEqual([]);
  expect(metersOf(limited)).toEqual([
    { id: 40, ...send },
    { id: 41, ...receive },
  ]);
  expect(metersOf({ ...port, limits: { receive } })).toEqual([{ id: 41, ...receive }]);
});

test("missing ones are added, others changed, those of nobody deleted; of unknown ports, left", () => {
  const wanted = metersOf(limited);
  expect(meterDifferences(wanted, wanted, new Set())).toEqual({ before: [], after: [] });
  const have = [
    { id: 40, ...receive },
    { id: 42, ...send },
    { id: 45, ...send },
  ];
  expect(meterDifferences(have, wanted, new Set([22]))).toEqual({
    before: [
      { do: "modify", meter: { id: 40, ...send } },
      { do: "add", meter: { id: 41, ...receive } },
    ],
    after: [{ do: "delete", id: 42 }],
  });
});
