/**
 * doctor on a node of three: nothing where all is well, and each fault that is planted by its name,
 * alone, with what to do; and nothing any more when it is taken away.
 *
 * Faults that the agent would put right at once are planted while the switch's lock is held. etcd is
 * reached by a link of its own, as in a network of machines that is apart from the containers'.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Agent } from "../lab/agent.ts";
import { type Attached, attach, detach } from "../lab/attach.ts";
import { makeAuthority } from "../lab/certificates.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables } from "../lab/node.ts";
import { ip, must, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};

interface Finding {
  readonly id: string;
  readonly area: string;
  readonly state: "ok" | "warning" | "broken" | "unknown";
  readonly subject?: string;
  readonly seen: string;
  readonly todo?: string;
  readonly because?: string;
}

interface Said {
  readonly status: number | undefined;
  readonly state: string;
  readonly findings: readonly Finding[];
}

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
/** In the nodes' order. */
let agents: [Agent, Agent, Agent];
let onA: Attached;
/** Where the network list is that is as it should be. */
let conf: string;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 0, tls: "mutual", wire: "unrecorded" });
  // By its address, whichever link has it.
  a = await cluster.addNode({ config: { vtep: { address: "192.0.2.1" } } });
  b = await cluster.addNode();
  const c = await cluster.addNode();
  const { etcdNetns } = cluster;
  const ends = ["type", "veth", "peer", "name", "etcd0", "netns", a.netns];
  ip("-n", etcdNetns, "link", "add", "host-a", ...ends);
  for (const [netns, link, address] of [
    [etcdNetns, "host-a", "198.51.100.2/24"],
    [a.netns, "etcd0", "198.51.100.1/24"],
  ] as const) {
    ip("-n", netns, "address", "add", address, "dev", link);
    ip("-n", netns, "link", "set", link, "up");
  }
  ip("-n", a.netns, "route", "add", "192.0.2.250/32", "via", "198.51.100.2");
  agents = await Promise.all([a.startAgent(), b.startAgent(), c.startAgent()]);
  [onA] = await Promise.all([
    attach(a, a.addContainer(), web),
    attach(b, b.addContainer(), web),
    attach(c, c.addContainer(), web),
  ]);
  conf = join(lab.folder, "net.d");
  mkdirSync(conf);
  const list = { cniVersion: "1.1.0", name: "web", plugins: [web] };
  writeFileSync(join(conf, "10-web.conflist"), JSON.stringify(list));
  await allIsWell();
});
afterAll(() => lab.close());

/** Where this machine of a test has what is installed. */
const places = () => ["--cni-bin", executables, "--cni-conf", conf];

async function doctor(node = a): Promise<Said> {
  const { status, json, stderr } = await node.socketplane("doctor", ...places());
  if (json === undefined) throw new Error(`doctor says nothing: ${stderr}`);
  return { status, ...(json as Omit<Said, "status">) };
}

/** All that is not well, but for what can't be told because of it. */
const faultsIn = ({ findings }: Said): readonly Finding[] =>
  findings.filter(({ state, because }) => state !== "ok" && because === undefined);

/** Throws an Error with what is not well where that stays so. */
async function allIsWell(): Promise<void> {
  let last: Said | undefined;
  const isWell = async () => {
    last = await doctor();
    return last.status === 0;
  };
  await until("all well", isWell).catch(() => {
    throw new Error(
      JSON.stringify(
        last?.findings.filter(({ state }) => state !== "ok"),
        null,
        1,
      ),
    );
  });
}

/** Keeps the agent, and all others, from putting the switch right, and from what comes after that. */
async function holdSwitch(): Promise<() => Promise<void>> {
  const held = ["flock", "--no-fork", join(a.runDir, "switch.lock"), "sh", "-c"];
  const argv = ["setpriv", "--pdeathsig", "KILL", ...held, "echo held; exec sleep 60"];
  const holder = start({ argv, limitMs: 60_000 });
  await holder.says(/^held$/m);
  return async () => {
    holder.kill("SIGKILL");
    await holder.outcome;
  };
}

/** What `socketplane agent restart` does. */
async function restartAgent(): Promise<void> {
  await agents[0].stop();
  agents[0] = await a.startAgent();
}

/** Does that to the node's firewall, and keeps the agent from putting it right until it is restarted. */
async function byNft(...argv: readonly string[]): Promise<() => Promise<void>> {
  const release = await holdSwitch();
  await must({ netns: a.netns, argv: ["nft", ...argv] });
  return async () => {
    await release();
    await restartAgent();
  };
}

/** Rules of a link's ingress, until they are taken away. */
async function filter(netns: string, link: string, rules: string): Promise<() => Promise<void>> {
  const chain = `type filter hook ingress device "${link}" priority 0; ${rules}`;
  const stdin = `table netdev fault { chain fault { ${chain}; }; }`;
  await must({ netns, argv: ["nft", "-f", "-"], stdin });
  return async () => {
    await must({ netns, argv: ["nft", "delete", "table", "netdev", "fault"] });
  };
}

/** Has the kernel of a node keep the MAC of another, until it need not. */
function keep({ netns }: ClusterNode, vtep: string): () => void {
  const shown = ip("-n", netns, "neigh", "show", vtep, "dev", "br-phy");
  const [, mac = ""] = /lladdr (\S+)/.exec(shown) ?? [];
  const set = (state: string) =>
    ip("-n", netns, "neigh", "replace", vtep, "lladdr", mac, "dev", "br-phy", "nud", state);
  set("permanent");
  return () => void set("stale");
}

/** Whether the kernel has what comes by the cable, too: where that is in no bridge. */
const cable = (policy: "accept" | "drop") =>
  must({
    netns: a.netns,
    argv: ["nft", `chain netdev cable ingress { policy ${policy}; }`],
  });

/** Undoes what was planted. */
type Undo = () => Promise<void> | void;

interface Fault {
  readonly plant: () => Promise<Undo> | Undo;
  /** All that is not well, but for what can't be told because of it. */
  readonly found: readonly {
    readonly id: string;
    readonly state: "warning" | "broken";
    readonly subject?: string;
    readonly seen: RegExp;
    readonly todo: RegExp;
  }[];
  /** Some of what can't be told because of it. */
  readonly because?: readonly string[];
  /** Some of what is well all the same, and of whom. */
  readonly well?: readonly (readonly [id: string, subject: string])[];
  readonly exit: 1 | 2;
}

const faults: Readonly<Record<string, Fault>> = {
  "Open vSwitch is down": {
    plant: async () => {
      const socket = join(a.ovs.runDir, "db.sock");
      await a.ovs.killSwitch();
      renameSync(socket, `${socket}.away`);
      return async () => {
        renameSync(`${socket}.away`, socket);
        await a.ovs.startSwitch();
      };
    },
    found: [
      {
        id: "switch.database",
        state: "broken",
        seen: /Cannot reach ovsdb-server at .*db\.sock: there is no such socket/,
        todo: /systemctl start openvswitch-switch/,
      },
    ],
    because: ["switch.bridge", "peers.tunnel"],
    exit: 2,
  },
  "Open vSwitch is up, and its bridge is missing": {
    plant: async () => {
      const release = await holdSwitch();
      a.ovs.vsctl("del-br", "sp0");
      return release;
    },
    found: [
      {
        id: "switch.bridge",
        state: "broken",
        seen: /"sp0" is gone/,
        todo: /^socketplane agent restart/,
      },
    ],
    because: ["containers.plugged", "peers.tunnel"],
    exit: 2,
  },
  "the VTEP is on an interface that is in a bridge": {
    plant: async () => {
      const { netns } = a;
      const move = (from: string, to: string) => {
        // Never on none of the two, which the agent would see.
        ip("-n", netns, "address", "add", "192.0.2.1/24", "dev", to);
        ip("-n", netns, "address", "delete", "192.0.2.1/24", "dev", from);
      };
      const release = await holdSwitch();
      await cable("accept");
      move("br-phy", "under0");
      return async () => {
        move("under0", "br-phy");
        await cable("drop");
        await release();
      };
    },
    found: [
      {
        id: "underlay.bridged",
        state: "broken",
        seen: /"under0", which is a port of a bridge, and none itself/,
        todo: /then move under0's addresses and routes to br-phy/,
      },
    ],
    because: ["peers.tunnel"],
    exit: 2,
  },
  "the VTEP is on no bridge of Open vSwitch": {
    plant: async () => {
      const { netns, ovs } = a;
      const release = await holdSwitch();
      // As it was before it was put into a bridge.
      ip("-n", netns, "address", "add", "192.0.2.1/24", "dev", "under0");
      ovs.vsctl("del-br", "br-phy");
      await cable("accept");
      return async () => {
        await cable("drop");
        const add = ["add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev"];
        ovs.vsctl(...add, "--", "add-port", "br-phy", "under0");
        ip("-n", netns, "address", "add", "192.0.2.1/24", "dev", "br-phy");
        ip("-n", netns, "address", "flush", "dev", "under0");
        await release();
        await ovs.startSwitch();
      };
    },
    found: [
      {
        id: "underlay.bridged",
        state: "broken",
        seen: /"under0", which is no Open vSwitch bridge/,
        todo: /^ovs-vsctl --may-exist add-br br-phy .* add-port br-phy under0/,
      },
    ],
    because: ["peers.tunnel"],
    exit: 2,
  },
  "etcd can't be reached": {
    plant: () => filter(cluster.etcdNetns, "host-a", "drop"),
    found: [
      {
        id: "store.reachable",
        state: "broken",
        subject: "https://192.0.2.250:2379",
        seen: /no answer within/,
        todo: /systemctl status etcd/,
      },
    ],
    because: ["node.registered", "node.leases"],
    // By what this node has written down of its peers.
    well: [["peers.tunnel", 'nodes "192.0.2.2", "192.0.2.3"']],
    exit: 2,
  },
  "etcd refuses the certificate": {
    plant: () => {
      const folder = join(lab.folder, "others");
      mkdirSync(folder);
      const { cert, key } = makeAuthority(folder, "others").issue("stranger");
      const before = readFileSync(a.config, "utf8");
      const json = JSON.parse(before);
      const store = { ...json.store, tls: { ...json.store.tls, cert, key } };
      writeFileSync(a.config, JSON.stringify({ ...json, store }));
      return () => writeFileSync(a.config, before);
    },
    found: [
      {
        id: "store.reachable",
        state: "broken",
        seen: /bad certificate/,
        todo: /store\.tls in node\.json.*does etcd trust the authority of cert/,
      },
    ],
    because: ["node.registered", "node.leases"],
    exit: 2,
  },
  "UDP 4789 is dropped between two nodes": {
    plant: () => filter(cluster.underlay, "n1", "ip daddr 192.0.2.2 udp dport 4789 drop"),
    found: [
      {
        id: "peers.tunnel",
        state: "broken",
        subject: 'node "host-b"',
        seen: /echo requests to the VTEP are answered: UDP port 4789 is dropped on the way/,
        todo: /^Let UDP port 4789 pass between 192\.0\.2\.1 and 192\.0\.2\.2, both ways/,
      },
    ],
    well: [["peers.tunnel", 'node "host-c"']],
    exit: 2,
  },
  "the switch does not learn a peer's MAC": {
    plant: async () => {
      // Of the machines themselves, which keep each other's.
      const keeping = [keep(a, b.vtep), keep(b, a.vtep)];
      const pass = await filter(cluster.underlay, "n2", "ether type arp drop");
      // The switch learns of what comes by the tunnel, too: nobody there has a reason to send.
      ip("-n", b.netns, "neigh", "flush", "dev", "sp-web");
      const forget = () => {
        a.ovs.appctl("tnl/neigh/flush");
        a.ovs.appctl("revalidator/purge");
      };
      forget();
      return async () => {
        await pass();
        for (const release of keeping) release();
        forget();
      };
    },
    found: [
      {
        id: "peers.tunnel",
        state: "broken",
        subject: 'node "host-b"',
        seen: /though echo requests to the VTEP are answered: the switch .* does not know the MAC/,
        todo: /^ovs-appctl revalidator\/purge\n.* nobody answers ARP .* for 192\.0\.2\.2 /,
      },
    ],
    well: [["peers.tunnel", 'node "host-c"']],
    exit: 2,
  },
  "the underlay takes too little on the way": {
    plant: () => {
      const set = (mtu: string) => ip("-n", cluster.underlay, "link", "set", "n2", "mtu", mtu);
      set("1400");
      return () => void set("1500");
    },
    found: [
      {
        id: "peers.mtu",
        state: "broken",
        subject: 'node "host-b"',
        seen: /1450 bytes.* are lost: 1350 do, so that the underlay takes 1400, and VXLAN makes it 1500/,
        todo: /^Raise the MTU to 1500 or more .* between 192\.0\.2\.1 and 192\.0\.2\.2: ip link set dev LINK mtu 1500/,
      },
    ],
    well: [["peers.mtu", 'node "host-c"']],
    exit: 2,
  },
  "the agent does not run": {
    plant: async () => {
      await agents[0].stop();
      return restartAgent;
    },
    found: [
      {
        id: "agent.running",
        state: "warning",
        seen: /^it does not run/,
        todo: /^socketplane agent start$/,
      },
    ],
    well: [["peers.tunnel", 'nodes "host-b", "host-c"']],
    exit: 1,
  },
  "flows were deleted by hand": {
    plant: async () => {
      const release = await holdSwitch();
      a.ovs.ofctl("del-flows", join(a.ovs.runDir, "sp0.mgmt"));
      return async () => {
        await release();
        await restartAgent();
      };
    },
    found: [
      {
        id: "containers.flows",
        state: "broken",
        seen: /^\d+ of \d+ flows are missing/,
        todo: /^socketplane agent restart/,
      },
    ],
    because: ["peers.tunnel"],
    exit: 2,
  },
  "a flow that is not ours drops all that comes by the tunnel": {
    plant: () => {
      const bridge = join(a.ovs.runDir, "sp0.mgmt");
      const flow = "table=30,priority=65000";
      a.ovs.ofctl("-O", "OpenFlow15", "add-flow", bridge, `${flow},actions=drop`);
      return () =>
        void a.ovs.ofctl(
          "-O",
          "OpenFlow15",
          "--strict",
          "del-flows",
          bridge,
          `cookie=0/-1,${flow}`,
        );
    },
    found: [
      {
        id: "containers.flows",
        state: "broken",
        seen: /^1 flow that is not ours: table=30, priority=65000 actions=drop$/,
        todo: /^ovs-ofctl -O OpenFlow15 del-flows .*\/sp0\.mgmt cookie=0x0\/-1$/m,
      },
    ],
    because: ["peers.tunnel"],
    exit: 2,
  },
  "a container's MAC, address and default route were changed in it": {
    plant: async () => {
      const { container, address, mac } = onA;
      const inside = (...args: readonly string[]) => ip("-n", container.netns, ...args);
      const route = inside("-4", "route", "show", "default").trim().split(" ");
      inside("route", "delete", "default");
      inside("address", "delete", `${address}/16`, "dev", "eth0");
      inside("link", "set", "eth0", "address", "02:00:00:00:00:99");
      return () => {
        inside("link", "set", "eth0", "address", mac);
        inside("address", "add", `${address}/16`, "dev", "eth0");
        inside("route", "replace", ...route);
      };
    },
    found: [
      {
        id: "containers.inside",
        state: "broken",
        seen: /the MAC is 02:00:00:00:00:99, not .*; address 10\.2\.\d+\.\d+\/16 is gone; the default route is gone/,
        todo: /^Have its runtime make it again/,
      },
    ],
    exit: 2,
  },
  "a network's own link does not forward": {
    plant: async () => {
      const set = (value: string) =>
        must({
          netns: a.netns,
          argv: ["sysctl", "-qw", `net.ipv4.conf.sp-web.forwarding=${value}`],
        });
      await set("0");
      return async () => void (await set("1"));
    },
    found: [
      {
        id: "machine.forwarding",
        state: "broken",
        subject: 'network "web"',
        seen: /sp-web\.forwarding is 0/,
        todo: /^sysctl -w net\.ipv4\.conf\.sp-web\.forwarding=1$/,
      },
    ],
    exit: 2,
  },
  "our nftables table is gone": {
    plant: () => byNft("delete", "table", "inet", "socketplane"),
    found: [
      {
        id: "networks.standing",
        state: "broken",
        subject: 'network "web"',
        seen: /nothing keeps it apart from other networks, nor masquerades what leaves it$/,
        todo: /^socketplane agent restart/,
      },
    ],
    // Its link can be asked by all the same.
    well: [["peers.tunnel", 'nodes "host-b", "host-c"']],
    exit: 2,
  },
  "a chain of our nftables table has lost its rules": {
    plant: () => byNft("flush", "chain", "inet", "socketplane", "input"),
    found: [
      {
        id: "networks.standing",
        state: "broken",
        subject: 'network "web"',
        seen: /^the firewall's rules for network "web" are not as they should be$/,
        todo: /^socketplane agent restart/,
      },
    ],
    exit: 2,
  },
  "an address is written down for a container that is gone": {
    plant: async () => {
      const gone = await attach(a, a.addContainer(), web);
      const release = await holdSwitch();
      gone.container.remove();
      await until("its link going", () => !ip("-n", a.netns, "link").includes(gone.outer));
      return async () => {
        await release();
        await detach(a, gone.container, web);
      };
    },
    found: [
      {
        id: "containers.assigned",
        state: "warning",
        seen: /it is gone/,
        todo: /^socketplane rm --force /,
      },
    ],
    exit: 1,
  },
  "a port has no address that is written down": {
    plant: async () => {
      const release = await holdSwitch();
      for (const path of await filesOf(onA)) rmSync(path);
      return async () => {
        await release();
        await restartAgent();
      };
    },
    found: [
      {
        id: "containers.ports",
        state: "broken",
        seen: /nothing is written down of it/,
        todo: /^socketplane agent restart/,
      },
    ],
    exit: 2,
  },
  "no network list is there": {
    plant: () => {
      const path = join(conf, "10-web.conflist");
      renameSync(path, `${path}.away`);
      return () => renameSync(`${path}.away`, path);
    },
    found: [
      {
        id: "files.lists",
        state: "broken",
        seen: /has no network list of ours/,
        todo: /^socketplane install/,
      },
    ],
    exit: 2,
  },
  "the network list is malformed": {
    plant: () => {
      const path = join(conf, "10-web.conflist");
      const before = readFileSync(path, "utf8");
      writeFileSync(path, before.replace(/}$/, ""));
      return () => writeFileSync(path, before);
    },
    found: [
      {
        id: "files.lists",
        state: "broken",
        subject: "10-web.conflist",
        seen: /^it is not JSON: line 1, column \d+/,
        todo: /^Correct .*10-web\.conflist$/,
      },
    ],
    exit: 2,
  },
  "ip_forward is off": {
    plant: async () => {
      const set = (value: string) =>
        must({ netns: a.netns, argv: ["sysctl", "-qw", `net.ipv4.ip_forward=${value}`] });
      await set("0");
      return async () => void (await set("1"));
    },
    found: [
      {
        id: "machine.forwarding",
        state: "broken",
        seen: /ip_forward/,
        todo: /sysctl -w net.ipv4.ip_forward=1/,
      },
    ],
    exit: 2,
  },
};

/** The names that an assignment's file has. */
async function filesOf({ address, container }: Attached): Promise<readonly string[]> {
  const found = await must({ argv: ["grep", "-rl", container.id, a.runDir] });
  const files = found.split("\n").filter((path) => /\/(owners|ports|networks)\//.test(path));
  expect(files.length, address).toBeGreaterThan(2);
  return files;
}

test("three nodes that are well are said to be so, by each of them", async () => {
  for (const said of await Promise.all(cluster.nodes.map((node) => doctor(node)))) {
    expect(said).toMatchObject({ status: 0, state: "ok" });
    expect(said.findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(said.findings.filter(({ area }) => area === "peers")).toMatchObject([
      { id: "peers.tunnel", subject: expect.stringMatching(/^nodes "host-.", "host-."$/) },
      { id: "peers.mtu", seen: expect.stringMatching(/1450 bytes.*pass both ways/) },
    ]);
  }
  const shown = await a.socketplane("doctor", ...places(), "-o", "table");
  expect(shown.stdout).toMatch(/[✓+] tunnel +nodes "host-b", "host-c": reached through the tunnel/);
  expect(shown.stdout).toMatch(/^All is well: \d+ findings\.$/m);
});

describe("planted alone, and taken away", () => {
  test.each(Object.entries(faults))("%s", async (_name, fault) => {
    const { plant, found, because = [], well = [], exit } = fault;
    const undo = await plant();
    let said: Said;
    try {
      said = await doctor();
    } finally {
      await undo();
    }
    expect(faultsIn(said)).toEqual(
      found.map(({ seen, todo, ...rest }) =>
        expect.objectContaining({
          ...rest,
          seen: expect.stringMatching(seen),
          todo: expect.stringMatching(todo),
        }),
      ),
    );
    const told = said.findings.filter((one) => one.because !== undefined);
    expect(told.map(({ id }) => id)).toEqual(expect.arrayContaining([...because]));
    const fine = said.findings.filter(({ state }) => state === "ok");
    for (const [id, subject] of well)
      expect(fine).toContainEqual(expect.objectContaining({ id, subject }));
    expect(said.status).toBe(exit);
    expect(said.state).toBe(exit === 2 ? "broken" : "warning");
    await allIsWell();
  });
});

test.each([
  {
    name: "is set down",
    plant: () => ip("-n", b.netns, "link", "set", "under0", "down"),
    undo: () => ip("-n", b.netns, "link", "set", "under0", "up"),
    seen: /^link "under0", by which bridge "br-phy" reaches others, is down$/,
    todo: /^ip link set under0 up$/,
  },
  {
    name: "has no carrier",
    plant: () => b.cutOff(),
    undo: () => b.reconnect(),
    seen: /^link "under0", by which bridge "br-phy" reaches others, has no carrier$/,
    todo: /^See to the cable of under0/,
  },
  {
    name: "is set down, and its default route gone with that",
    plant: () => {
      const json = JSON.parse(readFileSync(b.config, "utf8"));
      writeFileSync(b.config, JSON.stringify({ ...json, vtep: undefined }));
      ip("-n", b.netns, "link", "set", "br-phy", "down");
    },
    undo: () => {
      ip("-n", b.netns, "link", "set", "br-phy", "up");
      const json = JSON.parse(readFileSync(b.config, "utf8"));
      writeFileSync(b.config, JSON.stringify({ ...json, vtep: { interface: "br-phy" } }));
    },
    seen: /^link "br-phy", which has the VTEP, is down$/,
    todo: /^ip link set br-phy up$/,
  },
])(
  "a machine whose own link $name: it is told of that alone",
  async ({ plant, undo, seen, todo }) => {
    plant();
    let said: Said;
    try {
      said = await doctor(b);
    } finally {
      undo();
    }
    expect(faultsIn(said)).toEqual([
      expect.objectContaining({
        id: "underlay.link",
        state: "broken",
        seen: expect.stringMatching(seen),
        todo: expect.stringMatching(todo),
      }),
    ]);
    const told = said.findings.filter(({ because }) => because === "underlay.link");
    expect(told.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["store.reachable", "node.registered", "peers.tunnel", "peers.mtu"]),
    );
    await allIsWell();
  },
);

test("of a node whose switch has lost its tunnel, its peers say so", async () => {
  await agents[1].stop();
  b.ovs.vsctl("del-port", "sptunnel");
  const said = await doctor();
  agents[1] = await b.startAgent();
  expect(faultsIn(said)).toMatchObject([
    {
      id: "peers.tunnel",
      state: "broken",
      subject: 'node "host-b"',
      seen: expect.stringMatching(
        /UDP port 4789 is closed there, so that Open vSwitch has no tunnel/,
      ),
      todo: "socketplane agent start, and socketplane doctor, on host-b",
    },
  ]);
  // Looking again and again sends frames without a pause, which the datapath has taken for others.
  await allIsWell();
});

test("of two machines with one name, the second is told so", async () => {
  const second = await cluster.addNode({ name: "host-b" });
  await second.startAgent({ until: "started" });
  const runs = async () =>
    (await doctor(second)).findings.some(
      ({ id, state }) => id === "agent.running" && state === "ok",
    );
  await until("its agent", runs);
  const said = await doctor(second);
  expect(said).toMatchObject({ status: 2, state: "broken" });
  expect(faultsIn(said)).toMatchObject([
    {
      id: "node.registered",
      state: "broken",
      seen: expect.stringMatching(
        new RegExp(`${b.machineId}. is registered as "host-b", .* this one is ${second.machineId}`),
      ),
      todo: expect.stringMatching(/name of its own: "node" in node\.json/),
    },
  ]);
  // Who was there first has lost nothing.
  await allIsWell();
});
