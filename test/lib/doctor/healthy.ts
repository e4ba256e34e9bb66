/** The facts of a machine on which all is well: a node of a cluster, with one network and one container. */
import type { Facts, NodeFacts } from "../../../lib/doctor/facts.ts";
import { readLists } from "../../../lib/doctor/lists.ts";
import type { Assignment } from "../../../lib/ipam/assignment.ts";
import type { Network } from "../../../lib/ipam/network.ts";
import type { NodeRecord } from "../../../lib/ipam/nodes.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseMac } from "../../../lib/net/mac.ts";
import { parsePrefix4 } from "../../../lib/net/prefix.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import type { VtepAddress } from "../../../lib/store/keys.ts";
import type { Revision } from "../../../lib/store/store.ts";
import type { Known, Survey } from "../../../lib/survey/survey.ts";
import type { SwitchPort } from "../../../lib/survey/switch.ts";
import type { Link } from "../../../lib/sys/kernel.ts";

export const know = <T>(value: T): Known<T> => ({ known: true, value });
export const unknown = (why: string, todo?: string): Known<never> => ({ known: false, why, todo });

export const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("the sample is wrong");
  return value;
};
const ip4 = (text: string) => must(parseIp4(text));
const mac = must(parseMac("02:42:0a:02:00:03"));
const prefix = must(parsePrefix4("10.2.0.0/26"));
const revision = (value: number) => value as Revision;
const vtep = (text: string): VtepAddress => ({ family: 4, address: ip4(text) });

export const link = (name: string, more: Partial<Link> = {}): Link => ({
  index: 1,
  name,
  mac: undefined,
  mtu: 1500,
  up: true,
  running: true,
  kind: undefined,
  peerIndex: undefined,
  peerNetns: undefined,
  ...more,
});

const network: Network = {
  name: "web",
  subnet: must(parsePrefix4("10.2.0.0/16")),
  subnet6: undefined,
  gateway: ip4("10.2.0.1"),
  range: { first: ip4("10.2.0.2"), last: ip4("10.2.255.254") },
  blockLength: 26,
  vni: 5,
  mtu: undefined,
  masquerade: true,
};

const id = { name: "web", containerId: "c1", ifname: "eth0" };
const assignment: Assignment = {
  id,
  network: "web",
  block: "10.2.0.0-26@7",
  address: ip4("10.2.0.3"),
  mac,
  ofport: 9,
  workload: {},
};

export const node = (name: string, address: string, more: Partial<NodeRecord> = {}) => ({
  name,
  createRevision: revision(3),
  modRevision: revision(3),
  machineId: `machine of ${name}`,
  vtep: vtep(address),
  boot: "boot",
  version: "0.1.0",
  agent: true,
  ...more,
});

export const port = (name: string, more: Partial<SwitchPort> = {}): SwitchPort => ({
  name,
  bridge: "sp0",
  type: "system",
  ofport: 9,
  error: undefined,
  adminState: "up",
  linkState: "up",
  mac: undefined,
  mtu: 1450,
  options: {},
  ids: {},
  statistics: {},
  row: undefined,
  ...more,
});

export const attachmentPort = (containerId: string, name: string): SwitchPort => {
  const { network, address } = assignment;
  const of = { link: name, id: { ...id, containerId }, network, address, ofport: 9, boot: "boot" };
  return port(name, { row: { role: "attachment", ...of, address6: undefined, mac } });
};

const held = {
  stored: { network, revision: revision(5) },
  node: { name: "host-a", createRevision: revision(3) },
  tunnel: vtep("192.0.2.1"),
  blocks: [{ prefix, revision: 7 }],
  peers: { count: 0, digest: 0 },
  revision: revision(10),
  readAt: 0,
};

const config = parseNodeConfig(
  JSON.stringify({
    node: "host-a",
    store: {
      type: "etcd",
      endpoints: ["https://192.0.2.250:2379"],
      tls: {
        ca: "/etc/socketplane/ca.pem",
        cert: "/etc/socketplane/node.pem",
        key: "/etc/key.pem",
      },
    },
  }),
  "/etc/socketplane/node.json",
);

const survey: Survey = {
  at: 0,
  config,
  self: {
    name: know("host-a"),
    vtep: know(vtep("192.0.2.1")),
    underlay: know(link("br-phy", { kind: "tun" })),
    mtu: know(1450),
    machineId: "machine of host-a",
    boot: "boot",
  },
  cluster: know({
    revision: revision(10),
    nodes: [node("host-a", "192.0.2.1"), node("host-b", "192.0.2.2")],
    networks: [{ ...network, revision: revision(5) }],
    leases: [{ network: "web", node: "host-a", prefix, revision: 7 }],
    assignments: [],
    unreadable: [],
  }),
  here: know({
    runDir: "there",
    assignments: [{ ...assignment, isOwn: false, isHeld: true, link: "spvc1", state: "alive" }],
    networks: [{ name: "web", held, ageMs: 5, isFresh: true, peers: [], lost: [] }],
    isKept: true,
    storeAway: undefined,
    names: { networks: ["web"], nodes: ["host-a", "host-b"] },
  }),
  switch: know({
    version: "3.1.0",
    bridges: [
      {
        name: "sp0",
        datapath: "netdev",
        failMode: "secure",
        protocols: ["OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"],
        isOurs: true,
      },
    ],
    ports: [attachmentPort("c1", "spvc1")],
  }),
  flows: know([]),
  agent: know({ isWell: true, said: {} }),
};

const dayMs = 86_400_000;
const certificate = (key: string) => ({
  key,
  path: `/etc/socketplane/${key}.pem`,
  valid: { from: 0, until: 1_000 * dayMs },
});

const nodeFacts: NodeFacts = {
  config,
  survey,
  endpoints: [{ url: "https://192.0.2.250:2379", state: "well" }],
  certificates: [certificate("ca"), certificate("cert")],
  now: 100 * dayMs,
  isOvsInstalled: true,
  isStoreAbsent: false,
  datapath: "netdev",
  lostUnderlay: undefined,
  underlayFault: know(undefined),
  tunnelFault: know(undefined),
  networks: [{ held, faults: know([]) }],
  flows: know({ wanted: 28, missing: [], strange: [], foreign: [] }),
  inside: know({ looked: 1, of: 1, faulty: [] }),
  links: new Map([link("sp-web", { mtu: 1450 }), link("spvc1")].map((one) => [one.name, one])),
  agent: {
    service: "agent",
    state: "running",
    pid: 1,
    since: 0,
    reason: undefined,
    enabled: true,
  },
};

export const list = (plugin: unknown, name: unknown = "web"): string =>
  JSON.stringify({ cniVersion: "1.0.0", name, plugins: [plugin] });

const ours = { type: "socketplane", subnet: "10.2.0.0/16" };

export const listsOf = (files: Readonly<Record<string, string | undefined>>): Facts["lists"] => ({
  folder: "/etc/cni/net.d",
  found: know(readLists(Object.entries(files).map(([name, text]) => ({ name, text })))),
});

export const healthy: Facts & { readonly node: NodeFacts } = {
  rights: { user: 0, lacking: [] },
  kernel: {
    release: "6.1.0",
    netns: know(true),
    veth: know(true),
    ovsModule: false,
    sysctl: { "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "0" },
  },
  firewall: know({ dropsForwarded: undefined, dropsTunnel: undefined }),
  nodeJson: { path: "/etc/socketplane/node.json", state: "read" },
  bin: {
    folder: "/opt/cni/bin",
    version: "0.1.0",
    programs: [
      { name: "socketplane", state: "there", version: "0.1.0" },
      { name: "socketplane-ipam", state: "there", version: "0.1.0" },
    ],
  },
  lists: listsOf({ "10-web.conflist": list(ours) }),
  node: nodeFacts,
  peers: know([]),
};
