/** A survey made up: this node, host-a, of a cluster of three with two networks. */

import type { MirroredAssignment } from "../../../lib/ipam/mirrored.ts";
import { completeNetwork, type Network } from "../../../lib/ipam/network.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import { type Prefix4, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import { peerFlows } from "../../../lib/overlay/tunnel.ts";
import type { VtepAddress } from "../../../lib/store/keys.ts";
import type { Revision } from "../../../lib/store/store.ts";
import type { ClusterFacts, ClusterLease, ClusterNode } from "../../../lib/survey/cluster.ts";
import type { LocalAssignment } from "../../../lib/survey/here.ts";
import { know } from "../../../lib/survey/known.ts";
import type { Survey, Unknown } from "../../../lib/survey/survey.ts";
import type { SwitchPort } from "../../../lib/survey/switch.ts";

const revision = (number: number) => number as Revision;

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Cannot read what the test says");
  return value;
}

export const ip4 = (text: string): Ip4 => need(parseIp4(text));
export const prefix4 = (text: string): Prefix4 => need(parsePrefix4(text));
export const vtep = (text: string): VtepAddress => need(parseVtep(text));

export const unknown = (why: string, todo?: string): Unknown => ({ known: false, why, todo });

export const web: Network = {
  ...completeNetwork(
    { name: "web", subnet: prefix4("10.2.0.0/16"), subnet6: need(parsePrefix6("fd00:2::/64")) },
    1,
  ),
  allowed: ["db"],
};
export const db: Network = {
  ...completeNetwork({ name: "db", subnet: prefix4("10.3.0.0/16"), masquerade: false }, 2),
  allowed: ["web"],
};

export const node = (name: string, address: string, agent = true): ClusterNode => ({
  name,
  machineId: name,
  vtep: vtep(address),
  boot: "b",
  version: "0.1.0",
  createRevision: revision(5),
  modRevision: revision(5),
  agent,
});

export const lease = (network: string, prefix: string, of: string, at = 9): ClusterLease => ({
  network,
  prefix: prefix4(prefix),
  node: of,
  revision: at,
});

export const mirrored = (
  network: string,
  address: string,
  of: string,
  id: string,
): MirroredAssignment => ({
  network,
  address: ip4(address),
  node: of,
  id: { name: network, containerId: id, ifname: "eth0" },
  mac: "02:42:00:00:00:01",
  workload: {},
});

export const local = (
  network: string,
  address: string,
  pod: string,
  more: Partial<LocalAssignment> = {},
): LocalAssignment => ({
  id: { name: network, containerId: `id-of-${pod}`, ifname: "eth0" },
  network,
  block: "10.2.0.0-26@9",
  address: ip4(address),
  mac: macOfIp4(ip4(address)),
  ofport: 7,
  workload: { K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: pod },
  isOwn: false,
  isHeld: true,
  link: `spv-${pod}`,
  state: "alive",
  ...more,
});

export const port = (name: string, received: number, sent: number): SwitchPort => ({
  name,
  bridge: "sp0",
  type: "system",
  ofport: 7,
  error: undefined,
  adminState: "up",
  linkState: "up",
  mac: undefined,
  mtu: 1450,
  options: {},
  ids: {},
  statistics: {
    rx_packets: received / 100,
    rx_bytes: received,
    tx_packets: sent / 100,
    tx_bytes: sent,
  },
  row: undefined,
});

export const cluster: ClusterFacts = {
  revision: revision(20),
  // In the order of their keys.
  nodes: [
    node("host-10", "192.0.2.10"),
    node("host-2", "192.0.2.2", false),
    node("host-a", "192.0.2.1"),
  ],
  networks: [
    { ...db, revision: revision(4) },
    { ...web, revision: revision(3) },
  ],
  leases: [
    lease("db", "10.3.0.0/26", "host-2"),
    lease("web", "10.2.0.0/26", "host-a"),
    lease("web", "10.2.0.64/26", "host-10"),
    lease("web", "10.2.0.128/26", "host-2"),
    // Of an earlier registration, and of no node.
    lease("web", "10.2.0.192/26", "host-2", 2),
    lease("web", "10.2.1.0/26", "gone"),
  ],
  assignments: [
    mirrored("db", "10.3.0.3", "host-2", "0123456789abcdef0123456789abcdef"),
    mirrored("web", "10.2.0.65", "host-10", "run-1"),
    // Of this node, and behind.
    mirrored("web", "10.2.0.33", "host-a", "deleted"),
    // Of a node that was removed.
    mirrored("web", "10.2.1.3", "gone", "left"),
  ],
  unreadable: [],
};

/** The flows of what host-10 holds, of which those to it have counted 3, and those from it 2. */
const flows = peerFlows(
  web,
  { ofport: 1, local: vtep("192.0.2.1") },
  { prefix: prefix4("10.2.0.64/26"), vtep: vtep("192.0.2.10") },
).map((flow) =>
  flow.table === 10 ? { flow, packets: 2, bytes: 200 } : { flow, packets: 3, bytes: 3_000 },
);

export const survey: Survey = {
  at: Date.UTC(2026, 2, 1, 12),
  config: parseNodeConfig(
    '{"store":{"type":"etcd","endpoints":["https://192.0.2.250:2379"]}}',
    "node.json",
  ),
  self: {
    name: know("host-a"),
    vtep: know(vtep("192.0.2.1")),
    underlay: know(undefined),
    mtu: know(1450),
    machineId: "a",
    boot: "b",
  },
  cluster: know(cluster),
  here: know({
    runDir: "there",
    assignments: [
      local("web", "10.2.0.4", "web-1"),
      local("web", "10.2.0.3", "web-0", { state: "gone" }),
      local("web", "10.2.0.2", "own", { isOwn: true }),
      // An ADD is at it.
      local("web", "10.2.0.5", "begun", { isHeld: false, state: "gone" }),
    ],
    networks: [
      {
        name: "web",
        held: {
          stored: { network: web, revision: revision(3) },
          node: { name: "host-a", createRevision: revision(5) },
          tunnel: vtep("192.0.2.1"),
          blocks: [{ prefix: prefix4("10.2.0.0/26"), revision: 9 }],
          peers: { count: 1, digest: 0 },
          revision: revision(20),
          readAt: 0,
        },
        ageMs: 1_000,
        isFresh: true,
        peers: [{ prefix: prefix4("10.2.0.64/26"), vtep: vtep("192.0.2.10") }],
        lost: [],
      },
    ],
    isKept: true,
    storeAway: undefined,
    names: { networks: [], nodes: [] },
  }),
  switch: know({
    version: "3.1.0",
    bridges: [],
    ports: [port("spv-web-1", 1_500, 2_500_000), port("sptunnel", 1, 2)],
  }),
  flows: know(flows),
  agent: know({ isWell: true, said: {} }),
};
