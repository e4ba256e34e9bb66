/** One fault at a time: it is found, alone, with its own remedy. */
import { describe, expect, test } from "vitest";
import { checks } from "../../../lib/doctor/checks.ts";
import type { Facts, NodeFacts } from "../../../lib/doctor/facts.ts";
import { judge } from "../../../lib/doctor/judge.ts";
import { parsePrefix4 } from "../../../lib/net/prefix.ts";
import type { Survey } from "../../../lib/survey/survey.ts";
import {
  attachmentPort,
  healthy,
  know,
  link,
  list,
  listsOf,
  must,
  node,
  port,
  unknown,
} from "./healthy.ts";

const facts = (more: Partial<Facts>): Facts => ({ ...healthy, ...more });
const onNode = (more: Partial<NodeFacts>): Facts => facts({ node: { ...healthy.node, ...more } });
const seeing = (more: Partial<Survey>): Facts =>
  onNode({ survey: { ...healthy.node.survey, ...more } });

const { survey } = healthy.node;
const partOf = <K extends "cluster" | "here" | "switch">(part: K) => {
  const known = survey[part];
  if (!known.known) throw new Error(`${part} is not known`);
  return known.value as Extract<Survey[K], { known: true }>["value"];
};
const cluster = (more: object) => seeing({ cluster: know({ ...partOf("cluster"), ...more }) });
const here = (more: object) => seeing({ here: know({ ...partOf("here"), ...more }) });
const inSwitch = (more: object) => seeing({ switch: know({ ...partOf("switch"), ...more }) });
const [container] = partOf("here").assignments;
const inside = { id: must(container).id, faults: [], noDefault: false };
const [ownBridge] = partOf("switch").bridges;

/** What is not well by itself, and what to do about it. */
const faultsIn = (given: Facts) =>
  judge(checks, given)
    .filter(({ state }) => state === "broken" || state === "warning")
    .map(({ id, state, todo }) => ({ id, state, todo }));

test("a healthy node has nothing but what is ok", () => {
  const found = judge(checks, healthy).filter(({ state }) => state !== "ok");
  expect(found).toEqual([]);
});

type Case = readonly [fault: string, given: Facts, id: string, state: string, todo: RegExp];

const cases: readonly Case[] = [
  [
    "not root",
    facts({ rights: { user: 1000, lacking: ["CAP_NET_ADMIN"] } }),
    "machine.rights",
    "warning",
    /^sudo socketplane doctor$/,
  ],
  [
    "a container without rights",
    facts({ rights: { user: 0, lacking: ["CAP_NET_ADMIN"] } }),
    "machine.rights",
    "broken",
    /CAP_NET_ADMIN/,
  ],
  [
    "no veth",
    facts({ kernel: { ...healthy.kernel, veth: unknown("Cannot create veth") } }),
    "machine.kernel",
    "broken",
    /CONFIG_VETH/,
  ],
  [
    "ip_forward off",
    facts({ kernel: { ...healthy.kernel, sysctl: { "net/ipv4/ip_forward": "0" } } }),
    "machine.forwarding",
    "broken",
    /^sysctl -w net\.ipv4\.ip_forward=1$/,
  ],
  [
    "node.json malformed",
    facts({
      nodeJson: { path: "/n.json", state: "faulty", why: "it is not JSON", todo: undefined },
      node: undefined,
    }),
    "files.node-json",
    "broken",
    /^Correct \/n\.json$/,
  ],
  [
    "nothing installed",
    facts({
      bin: {
        ...healthy.bin,
        programs: healthy.bin.programs.map(({ name }) => ({
          name,
          state: "absent",
          version: undefined,
        })),
      },
    }),
    "files.programs",
    "broken",
    /^socketplane install$/,
  ],
  [
    "a plugin that can't be executed",
    facts({
      bin: {
        ...healthy.bin,
        programs: healthy.bin.programs.map((one) =>
          one.name === "socketplane" ? { ...one, state: "not executable" } : one,
        ),
      },
    }),
    "files.programs",
    "broken",
    /^chmod 755 \/opt\/cni\/bin\/socketplane$/,
  ],
  [
    "a plugin of another version",
    facts({
      bin: {
        ...healthy.bin,
        programs: healthy.bin.programs.map((one) =>
          one.name === "socketplane" ? { ...one, version: "0.0.9" } : one,
        ),
      },
    }),
    "files.programs",
    "warning",
    /^socketplane install$/,
  ],
  [
    "no network list",
    facts({ lists: listsOf({}) }),
    "files.lists",
    "broken",
    /^socketplane install/,
  ],
  [
    "no folder of network lists",
    facts({ lists: { folder: "/etc/cni/net.d", found: know(undefined) } }),
    "files.lists",
    "broken",
    /^socketplane install/,
  ],
  [
    "a malformed network list",
    facts({ lists: listsOf({ "10-web.conflist": '{\n "name" "web" }' }) }),
    "files.lists",
    "broken",
    /^Correct \/etc\/cni\/net\.d\/10-web\.conflist$/,
  ],
  [
    "a mistyped plugin",
    facts({
      lists: listsOf({ "10-web.conflist": list({ type: "socketplan", subnet: "10.2.0.0/16" }) }),
    }),
    "files.lists",
    "broken",
    /^Correct /,
  ],
  [
    "another list before ours",
    facts({
      lists: listsOf({
        "05-bridge.conflist": list({ type: "bridge" }),
        "10-web.conflist": list({ type: "socketplane", subnet: "10.2.0.0/16" }),
      }),
    }),
    "files.order",
    "warning",
    /^mv \/etc\/cni\/net\.d\/10-web\.conflist \/etc\/cni\/net\.d\/00-web\.conflist$/,
  ],
  [
    "a chained plugin that is not there",
    facts({
      lists: listsOf({
        "10-web.conflist": JSON.stringify({
          cniVersion: "1.0.0",
          name: "web",
          plugins: [{ type: "socketplane" }, { type: "portmap" }],
        }),
      }),
    }),
    "files.plugins",
    "broken",
    /^Install it there/,
  ],
  [
    "a chained plugin that is where its package has put it, and not where containerd looks",
    facts({
      lists: listsOf({
        "10-web.conflist": JSON.stringify({
          cniVersion: "1.0.0",
          name: "web",
          plugins: [{ type: "socketplane" }, { type: "portmap" }],
        }),
      }),
      bin: {
        ...healthy.bin,
        programs: [
          ...healthy.bin.programs,
          { name: "portmap", state: "absent", version: undefined, elsewhere: "/usr/lib/cni" },
        ],
      },
    }),
    "files.plugins",
    "warning",
    /^ln -s \/usr\/lib\/cni\/portmap \/opt\/cni\/bin\/portmap$/,
  ],
  [
    "a list that means another node.json",
    facts({
      lists: listsOf({
        "10-web.conflist": list({ type: "socketplane", nodeConfig: "/other.json" }),
      }),
    }),
    "files.same-node",
    "warning",
    /^socketplane doctor --config \/other\.json$/,
  ],
  [
    "Open vSwitch down",
    seeing({ switch: unknown("Cannot reach it", "systemctl start it"), flows: unknown("neither") }),
    "switch.database",
    "broken",
    /^systemctl start openvswitch-switch\n.*apt-get install openvswitch-switch\n/,
  ],
  [
    "Open vSwitch not installed",
    onNode({
      isOvsInstalled: false,
      survey: { ...survey, switch: unknown("there is no such socket"), flows: unknown("nor this") },
    }),
    "switch.database",
    "broken",
    /^apt-get install openvswitch-switch\n/,
  ],
  [
    "a firewall that drops VXLAN, with the kernel's datapath",
    facts({
      kernel: { ...healthy.kernel, ovsModule: true },
      node: { ...healthy.node, datapath: "system" },
      firewall: know({
        dropsForwarded: undefined,
        dropsTunnel: { chain: "inet filter input", how: "named" },
      }),
    }),
    "firewall.tunnel",
    "broken",
    /^nft insert rule inet filter input udp dport 4789 accept$/,
  ],
  [
    "the bridge missing",
    inSwitch({ bridges: [] }),
    "switch.bridge",
    "broken",
    /^socketplane agent restart$/,
  ],
  [
    "somebody else's bridge",
    inSwitch({ bridges: [{ ...ownBridge, isOurs: false }] }),
    "switch.bridge",
    "broken",
    /hand it over: ovs-vsctl set bridge sp0/,
  ],
  [
    "a bridge that learns",
    inSwitch({ bridges: [{ ...ownBridge, failMode: "standalone" }] }),
    "switch.bridge",
    "broken",
    /^ovs-vsctl set bridge sp0 fail_mode=secure/,
  ],
  [
    "ovs-vswitchd killed",
    seeing({ flows: unknown("nobody listens there") }),
    "switch.openflow",
    "broken",
    /^systemctl restart openvswitch-switch$/,
  ],
  [
    "no openvswitch module for the system datapath",
    onNode({
      datapath: "system",
      survey: {
        ...survey,
        switch: know({
          ...partOf("switch"),
          bridges: [{ ...partOf("switch").bridges[0], datapath: "system" } as never],
        }),
      },
    }),
    "switch.datapath",
    "broken",
    /^modprobe openvswitch/,
  ],
  [
    "the tunnel's port gone",
    onNode({ tunnelFault: know('port "sptunnel" is gone from the switch') }),
    "switch.tunnel",
    "broken",
    /^socketplane agent restart$/,
  ],
  [
    "a certificate that has ended",
    onNode({
      certificates: healthy.node.certificates.map((one) =>
        one.key === "cert" ? { ...one, valid: { from: 0, until: 5 } } : one,
      ),
    }),
    "store.certificates",
    "broken",
    /anew/,
  ],
  [
    "etcd away",
    onNode({
      endpoints: [{ url: "https://a", state: "away", why: "connection refused" }],
      survey: { ...survey, cluster: unknown("Cannot read etcd") },
    }),
    "store.reachable",
    "broken",
    /^systemctl status etcd/,
  ],
  [
    "a wrong certificate",
    onNode({
      endpoints: [
        { url: "https://a", state: "refused", why: "TLS: unknown ca", todo: "Look at store.tls" },
      ],
      survey: { ...survey, cluster: unknown("Cannot read etcd") },
    }),
    "store.reachable",
    "broken",
    /^Look at store\.tls$/,
  ],
  [
    "one of two endpoints away",
    onNode({
      endpoints: [...healthy.node.endpoints, { url: "https://b", state: "away", why: "no answer" }],
    }),
    "store.reachable",
    "warning",
    /^systemctl status etcd/,
  ],
  [
    "a record of another version",
    cluster({ unreadable: ["/x/nodes/y"] }),
    "store.records",
    "warning",
    /same version/,
  ],
  [
    "no VTEP address",
    seeing({ self: { ...survey.self, vtep: unknown("there is no default route", 'Set "vtep"') } }),
    "node.vtep",
    "broken",
    /^Set "vtep"$/,
  ],
  [
    "the VTEP's link down",
    seeing({ self: { ...survey.self, underlay: know(link("eth0", { up: false })) } }),
    "underlay.link",
    "broken",
    /^ip link set eth0 up$/,
  ],
  [
    "two machines with one name",
    cluster({ nodes: [node("host-a", "192.0.2.9", { machineId: "another" })] }),
    "node.registered",
    "broken",
    /a name of its own: "node" in node\.json.*socketplane node remove host-a$/,
  ],
  [
    "two nodes with one VTEP",
    cluster({ nodes: [node("host-b", "192.0.2.1")] }),
    "node.registered",
    "broken",
    /an address of its own .*socketplane node remove host-b$/,
  ],
  [
    "a VTEP that has changed",
    cluster({ nodes: [node("host-a", "192.0.2.77")] }),
    "node.registered",
    "broken",
    /If its address has changed: socketplane agent restart/,
  ],
  [
    "a lease that is not held",
    here({
      networks: partOf("here").networks.map((one) => ({
        ...one,
        held: one.held && { ...one.held, blocks: [] },
      })),
    }),
    "node.leases",
    "broken",
    /^socketplane agent restart/,
  ],
  [
    "a lease that the store does not have",
    cluster({ leases: [] }),
    "node.leases",
    "broken",
    /^socketplane agent restart/,
  ],
  [
    "the agent stopped",
    onNode({
      agent: { ...healthy.node.agent, state: "stopped", pid: undefined },
      survey: { ...survey, agent: unknown("it does not answer") },
    }),
    "agent.running",
    "warning",
    /^socketplane agent start$/,
  ],
  [
    "an agent that is not well",
    seeing({ agent: know({ isWell: false, said: { store: "Cannot follow it" } }) }),
    "agent.health",
    "warning",
    /^socketplane agent logs$/,
  ],
  [
    "an agent that does not follow",
    here({ isKept: false }),
    "agent.caches",
    "warning",
    /agent restart$/,
  ],
  [
    "the VTEP on no bridge of Open vSwitch",
    // The agent says so as well.
    onNode({
      underlayFault: know("the VTEP is on link eth0, which is no Open vSwitch bridge"),
      survey: { ...survey, agent: know({ isWell: false, said: { underlay: "the VTEP is on" } }) },
    }),
    "underlay.bridged",
    "broken",
    /^ovs-vsctl --may-exist add-br br-phy/,
  ],
  [
    "an underlay that is too small",
    seeing({
      self: { ...survey.self, mtu: know(1350), underlay: know(link("br-phy", { mtu: 1400 })) },
    }),
    "underlay.mtu",
    "broken",
    /^ip link set dev br-phy mtu 1500$/,
  ],
  [
    "another firewall that drops",
    facts({ firewall: know({ dropsForwarded: "ip filter FORWARD", dropsTunnel: undefined }) }),
    "firewall.forwarding",
    "warning",
    /^iptables -I FORWARD -i sp-\+ -j ACCEPT\n/,
  ],
  [
    "our table gone",
    onNode({
      networks: healthy.node.networks.map((one) => ({
        ...one,
        faults: know(["the firewall does not know it"]),
      })),
    }),
    "networks.standing",
    "broken",
    /^socketplane agent restart$/,
  ],
  [
    "a list of a network that is not there",
    facts({ lists: listsOf({ "10-web.conflist": list({ type: "socketplane", network: "wob" }) }) }),
    "networks.listed",
    "broken",
    /^socketplane network create wob$/,
  ],
  [
    "an assignment without a container",
    here({ assignments: [{ ...container, state: "gone" }] }),
    "containers.assigned",
    "warning",
    /^socketplane rm --force c1$/,
  ],
  [
    "a container's port gone",
    inSwitch({ ports: [] }),
    "containers.plugged",
    "broken",
    /^socketplane agent restart$/,
  ],
  [
    "a container's link down",
    onNode({ links: new Map([...healthy.node.links, ["spvc1", link("spvc1", { up: false })]]) }),
    "containers.plugged",
    "broken",
    /^ip link set spvc1 up$/,
  ],
  [
    "a port without an assignment",
    inSwitch({ ports: [...partOf("switch").ports, attachmentPort("c2", "spvc2")] }),
    "containers.ports",
    "warning",
    /^ovs-vsctl del-port sp0 spvc2$/,
  ],
  [
    "a port that somebody has added under a name of ours",
    inSwitch({ ports: [...partOf("switch").ports, port("spvstray")] }),
    "containers.ports",
    "warning",
    /^ovs-vsctl del-port sp0 spvstray$/,
  ],
  [
    "flows deleted by hand",
    onNode({
      flows: know({ wanted: 28, missing: ["table=40 actions=drop"], strange: [], foreign: [] }),
    }),
    "containers.flows",
    "broken",
    /^socketplane agent restart; the agent does it by itself/,
  ],
  [
    "a container whose MAC was changed",
    onNode({
      inside: know({ looked: 1, of: 1, faulty: [{ ...inside, faults: ["the MAC is another"] }] }),
    }),
    "containers.inside",
    "broken",
    /^Have its runtime make it again/,
  ],
  [
    "a container whose default route was deleted",
    onNode({ inside: know({ looked: 1, of: 1, faulty: [{ ...inside, noDefault: true }] }) }),
    "containers.inside",
    "broken",
    /^Have its runtime make it again/,
  ],
  [
    "a flow that somebody else has put in",
    onNode({
      flows: know({
        wanted: 28,
        missing: [],
        strange: [],
        foreign: [{ cookie: 0n, text: "table=30, priority=65000 actions=drop" }],
      }),
    }),
    "containers.flows",
    "broken",
    /^ovs-ofctl -O OpenFlow15 del-flows sp0 cookie=0x0\/-1\n/,
  ],
  [
    "forwarding off on a network's own link",
    facts({
      kernel: {
        ...healthy.kernel,
        sysctl: { ...healthy.kernel.sysctl, "net/ipv4/conf/sp-web/forwarding": "0" },
      },
    }),
    "machine.forwarding",
    "broken",
    /^sysctl -w net\.ipv4\.conf\.sp-web\.forwarding=1$/,
  ],
  [
    "forwarding off on links that are made from now on",
    facts({
      kernel: {
        ...healthy.kernel,
        sysctl: { ...healthy.kernel.sysctl, "net/ipv4/conf/default/forwarding": "0" },
      },
    }),
    "machine.forwarding",
    "warning",
    /^sysctl -w net\.ipv4\.conf\.default\.forwarding=1$/,
  ],
];

test.each(cases)("%s", (_, given, id, state, todo) => {
  const found = faultsIn(given);
  expect(found).toEqual([{ id, state, todo: expect.stringMatching(todo) }]);
});

describe("what is no fault", () => {
  test.each<readonly [string, Facts]>([
    [
      "a bridge that nobody needs yet",
      seeing({
        switch: know({ ...partOf("switch"), bridges: [], ports: [] }),
        here: know({ ...partOf("here"), assignments: [], networks: [] }),
        flows: unknown("there is no such socket"),
      }),
    ],
    [
      "a firewall that drops VXLAN, which the userspace datapath does not pass",
      facts({
        firewall: know({
          dropsForwarded: undefined,
          dropsTunnel: { chain: "inet filter input", how: "named" },
        }),
      }),
    ],
    [
      "a lease that is newer than what was read",
      cluster({
        leases: [...partOf("cluster").leases, { ...partOf("cluster").leases[0], revision: 99 }],
      }),
    ],
    [
      "no default route, where none was to be",
      facts({
        lists: listsOf({
          "10-web.conflist": list({
            type: "socketplane",
            subnet: "10.2.0.0/16",
            defaultRoute: false,
          }),
        }),
        node: {
          ...healthy.node,
          inside: know({ looked: 1, of: 1, faulty: [{ ...inside, noDefault: true }] }),
        },
      }),
    ],
    [
      "a foreign port under a name of its own",
      inSwitch({ ports: [...partOf("switch").ports, port("eth1")] }),
    ],
  ])("%s", (_, given) => {
    expect(faultsIn(given)).toEqual([]);
  });
});

test("an underlay that is on the switch is down with it", () => {
  const given = onNode({
    endpoints: [{ url: "https://a", state: "away", why: "no answer" }],
    survey: {
      ...survey,
      switch: unknown("Cannot reach it", "start it"),
      flows: unknown("neither"),
      cluster: unknown("Cannot read etcd"),
    },
  });
  const found = judge(checks, given).filter(({ id }) => id.startsWith("store."));
  expect(found.map(({ state, because }) => ({ state, because }))).toEqual([
    { state: "ok", because: undefined },
    { state: "ok", because: undefined },
    { state: "unknown", because: "switch.database" },
    { state: "unknown", because: "switch.database" },
  ]);
});

test("without an agent, leases of other nodes may not be known: their containers are not reached", () => {
  const lease = {
    network: "web",
    node: "host-b",
    prefix: must(parsePrefix4("10.2.0.64/26")),
    revision: 9,
  };
  const leases = [...partOf("cluster").leases, lease];
  const given = (isKept: boolean) =>
    seeing({
      cluster: know({ ...partOf("cluster"), leases }),
      here: know({ ...partOf("here"), isKept }),
    });
  const of = (isKept: boolean) =>
    judge(checks, given(isKept)).filter(({ id }) => id === "node.peers");
  expect(of(true)).toEqual([]);
  expect(of(false)).toMatchObject([
    {
      state: "broken",
      subject: 'network "web"',
      seen: "this node does not know of 10.2.0.64/26 of host-b: containers there are not reached",
      todo: "socketplane agent restart",
    },
  ]);
});
