/** Whom doctor asks, by which network, and who must be there to answer. */
import { expect, test } from "vitest";
import { type PlannedPeer, planProbes } from "../../../lib/doctor/probe-plan.ts";
import { formatVtep } from "../../../lib/ipam/nodes.ts";
import { formatIp4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import type { Revision } from "../../../lib/store/store.ts";
import type { ClusterFacts } from "../../../lib/survey/cluster.ts";
import type { NodeFacts as Here } from "../../../lib/survey/here.ts";
import type { Known, Survey } from "../../../lib/survey/survey.ts";
import { healthy, know, link, node, unknown } from "./healthy.ts";

const { survey } = healthy.node;

function valueIn<T>(known: Known<T>): T {
  if (!known.known) throw new Error("the sample is wrong");
  return known.value;
}
const cluster = valueIn(survey.cluster);
const here = valueIn(survey.here);
const [sample] = here.assignments;
if (sample === undefined) throw new Error("the sample is wrong");

const ip4 = (text: string) => parseIp4(text) ?? (0 as never);
const prefix = (text: string): Prefix4 => parsePrefix4(text) ?? ({} as never);
const lease = (of: string, text: string, revision: number) => ({
  network: "web",
  node: of,
  prefix: prefix(text),
  revision,
});
const container = (of: string, text: string) => ({
  ...sample,
  node: of,
  address: ip4(text),
  mac: "02:42:0a:02:00:41",
});

const own = { ...sample, isOwn: true, address: ip4("10.2.0.2"), link: "sp-web" };
const standing: Here = { ...here, assignments: [own] };
const ports = [link("sp-web", { mtu: 1_450 })];

/** What is planned on host-a, where it has its port in network web. */
function plan(more: Partial<ClusterFacts>, also: Partial<Survey> = {}, links = ports) {
  const known = know({ ...cluster, ...more });
  const planned = planProbes({ ...survey, cluster: known, here: know(standing), ...also }, links);
  return planned?.peers.map(shown);
}

const shown = ({ node: name, vtep, agent, way }: PlannedPeer) => ({
  name,
  vtep: formatVtep(vtep),
  agent,
  network: way?.network,
  outer: way?.outer,
  targets: way?.targets.map(formatIp4),
  isSure: way?.isSure,
});

const b = { name: "host-b", vtep: "192.0.2.2", agent: true, network: "web", outer: 1_500 };
const none = { network: undefined, outer: undefined, targets: undefined, isSure: undefined };

test("a node is asked for by the first address of each of its blocks, the first block first", () => {
  const leases = [lease("host-b", "10.2.1.0/26", 9), lease("host-b", "10.2.9.0/26", 8)];
  expect(plan({ leases })).toEqual([{ ...b, targets: ["10.2.9.0", "10.2.1.0"], isSure: true }]);
});

test("its containers may answer as well, and few are asked", () => {
  const leases = [
    // The network's own address, and the gateway, are nobody's.
    lease("host-b", "10.2.0.0/26", 8),
    ...[1, 2, 3, 4].map((at) => lease("host-b", `10.2.${at}.0/26`, 8 + at)),
  ];
  const assignments = [container("host-b", "10.2.0.9"), container("host-c", "10.2.0.10")];
  const targets = ["10.2.0.2", "10.2.1.0", "10.2.2.0", "10.2.0.9"];
  expect(plan({ leases, assignments })).toEqual([{ ...b, targets, isSure: true }]);
  // A single address is of a container.
  expect(plan({ leases: [lease("host-b", "10.2.0.7/32", 8)] })).toMatchObject([
    { targets: ["10.2.0.7"] },
  ]);
});

test("after a reboot nobody may be there, unless its agent says that somebody is", () => {
  const leases = [lease("host-b", "10.2.1.0/26", 8)];
  const rebooted = { modRevision: 20 as Revision };
  const nodes = (agent: boolean) => [node("host-b", "192.0.2.2", { ...rebooted, ...{ agent } })];
  const assignments = [container("host-b", "10.2.1.9")];
  const isSure = (more: Partial<ClusterFacts>) => plan({ leases, ...more })?.[0]?.isSure;
  expect(isSure({ nodes: nodes(true) })).toBe(false);
  expect(isSure({ nodes: nodes(true), assignments })).toBe(true);
  expect(isSure({ nodes: nodes(false), assignments })).toBe(false);
});

test("what an earlier registration of its name held is nobody's", () => {
  expect(plan({ leases: [lease("host-b", "10.2.1.0/26", 2)] })).toEqual([{ ...b, ...none }]);
});

test("where this node has no port in the network, or it is down, there is no way by it", () => {
  const leases = [lease("host-b", "10.2.1.0/26", 8)];
  expect(plan({ leases }, {}, [])).toEqual([{ ...b, ...none }]);
  expect(plan({ leases }, {}, [link("sp-web", { up: false })])).toEqual([{ ...b, ...none }]);
  expect(plan({ leases }, { here: know({ ...standing, assignments: [] }) })).toEqual([
    { ...b, ...none },
  ]);
});

test("neither itself is asked, nor who has its VTEP, nor a VTEP of the other family", () => {
  const six = { family: 6, address: 1n as never } as const;
  const nodes = [
    node("host-a", "192.0.2.1"),
    node("host-d", "192.0.2.1"),
    { ...node("host-e", "192.0.2.3"), vtep: six },
    { ...node("host-f", "192.0.2.4"), vtep: undefined },
  ];
  expect(plan({ nodes })).toEqual([]);
});

test("without the store, those are asked that the switch knows, by their VTEPs", () => {
  const vtep = (text: string) => ({ family: 4, address: ip4(text) }) as const;
  const peers = [
    { prefix: prefix("10.2.5.0/26"), vtep: vtep("192.0.2.3") },
    { prefix: prefix("10.2.4.0/26"), vtep: vtep("192.0.2.2") },
    { prefix: prefix("10.2.6.0/26"), vtep: vtep("192.0.2.3") },
  ];
  const cached = { ...standing, networks: here.networks.map((one) => ({ ...one, peers })) };
  const away = { cluster: unknown("etcd is away"), here: know(cached) };
  const common = { agent: undefined, network: "web", outer: 1_500, isSure: false };
  expect(plan({}, away)).toEqual([
    { name: "192.0.2.2", vtep: "192.0.2.2", ...common, targets: ["10.2.4.0"] },
    { name: "192.0.2.3", vtep: "192.0.2.3", ...common, targets: ["10.2.5.0", "10.2.6.0"] },
  ]);
});

test("without a VTEP there is nobody to ask", () => {
  const self = { ...survey.self, vtep: know(undefined) };
  expect(planProbes({ ...survey, self }, ports)).toBeUndefined();
});
