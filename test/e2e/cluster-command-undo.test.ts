/** The cluster command where it is refused, interrupted or killed: nothing is made, or nothing stays. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BareMachine, nodeJson, startBare } from "../lab/bare.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { ip } from "../lab/run.ts";
import { startServer } from "../lab/services.ts";

/** Whole machines come up, on one that may be busy. */
const patient = { timeout: 180_000 };

let lab: Lab;
let a: BareMachine;
let b: BareMachine;
let before: readonly string[];
beforeEach(async () => {
  lab = openLab();
  const { machines } = await startBare(lab, 2);
  const [one, two] = machines;
  if (one === undefined || two === undefined) throw new Error("no two");
  a = one;
  b = two;
  before = await a.traces();
});
afterEach(() => lab.close());

/** Sends a signal to a command on the machine as soon as there is a file there, if it still runs. */
const whenThere = ({ machine }: BareMachine, path: string, signal: string, command: string) =>
  machine.must([
    ...[
      "sh",
      "-c",
      `until [ -e "$1" ]; do sleep 0.01; done; pgrep -o -f "^[^ ]*/$3" | xargs -r kill -$2`,
    ],
    ...["sh", path, signal, command],
  ]);

describe("Ctrl-C", () => {
  test.each([
    "/etc/socketplane/pki/ca.key",
    "/etc/socketplane/node.json",
    "/var/lib/socketplane/etcd",
    "/run/socketplane/agent.pid",
    "/run/socketplane/networks/default",
  ])("during init, as soon as there is %s, leaves nothing", patient, async (path) => {
    const init = a.start("socketplane cluster init");
    await whenThere(a, path, "INT", "socketplane cluster init");
    const { status, stdout, stderr } = await init.outcome;
    // Whoever comes too late finds it done.
    if (status === 0) return expect(JSON.parse(stdout).join).toContain("--token");
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "socketplane: Cannot make a cluster: it was interrupted\n",
    });
    expect(await a.traces()).toEqual(before);
  });

  test.each(["/etc/socketplane/pki/ca.pem", "/run/socketplane/agent.pid"])(
    "during join, as soon as there is %s, leaves nothing, here and in the cluster",
    patient,
    async (path) => {
      const { join } = await a.must("socketplane cluster init");
      const joining = b.start(String(join));
      await whenThere(b, path, "INT", "socketplane cluster join");
      const { status, stdout, stderr } = await joining.outcome;
      // Whoever comes too late finds it done.
      if (status === 0) return expect(JSON.parse(stdout)).toMatchObject({ already: false });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: "socketplane: Cannot join a cluster: it was interrupted\n",
      });
      expect(await b.traces()).toEqual(before);
      expect(await a.must("socketplane node list")).toMatchObject([{ node: "host-a" }]);
      expect(JSON.stringify(await a.must("socketplane lease list"))).not.toContain("host-b");
    },
  );
});

test.each(["/etc/socketplane/node.json", "/run/socketplane/agent.pid"])(
  "an init that is killed as soon as there is %s is ended by the next",
  patient,
  async (path) => {
    const init = a.start("socketplane cluster init");
    await whenThere(a, path, "KILL", "socketplane cluster init");
    await init.outcome;
    const again = await a.must("socketplane cluster init");
    expect(again).toMatchObject({ node: "host-a", endpoints: ["https://192.0.2.1:2379"] });
    const { join } = await a.must("socketplane cluster token create");
    // As the first SocketPlane had it, where multicast did not pass.
    await b.must(`${join} 192.0.2.1`);
    expect(await b.must("socketplane network list")).toMatchObject([{ id: "default" }]);
    await b.must("socketplane cluster leave");
    await a.must("socketplane cluster leave");
    expect(await a.traces()).toEqual(before);
  },
);

test(
  "a leave that is killed as soon as the agent has ended is ended by the next",
  patient,
  async () => {
    await a.must("socketplane cluster init");
    const leave = a.start("socketplane cluster leave");
    const gone = "while [ -e /run/socketplane/agent.pid ]; do sleep 0.01; done";
    const kill = 'pgrep -o -f "^[^ ]*/socketplane cluster leave" | xargs -r kill -KILL';
    await a.machine.must(["sh", "-c", `${gone}; ${kill}`]);
    await leave.outcome;
    await a.must("socketplane cluster leave");
    expect(await a.traces()).toEqual(before);
  },
);

test("of two inits at once one is done, and the other changes nothing", patient, async () => {
  const both = await Promise.all([1, 2].map(() => a.type("socketplane cluster init")));
  const [done, refused] = both.sort((one, two) => (one.status ?? 9) - (two.status ?? 9));
  expect(done?.json).toMatchObject({ node: "host-a", already: false });
  expect(refused?.stderr).toContain("another cluster command is at work here");
  expect(await a.must("socketplane cluster status")).toMatchObject({ store: "ok" });
});

describe("what is in the way", () => {
  test(
    "ports that are taken, data of another cluster, and no switch: all at once, and nothing is made",
    patient,
    async () => {
      const server = await startServer(a.node.netns, "theirs", [2379]);
      lab.onClose(server.stop);
      await a.machine.must(["mkdir", "-p", "/var/lib/socketplane/etcd/member"]);
      const { status, stderr } = await a.type("socketplane cluster init");
      expect(status).toBe(1);
      expect(stderr).toContain("Cannot make a cluster: 2 things are in the way");
      expect(stderr).toContain("Cannot listen on port 2379 of 192.0.2.1: another program does");
      expect(stderr).toContain("systemctl disable --now etcd");
      expect(stderr).toContain("it has an earlier cluster's data");
      await a.machine.must(["rm", "-r", "/var/lib/socketplane/etcd"]);
      await a.machine.run(["rmdir", "/var/lib/socketplane"]);
      await a.machine.must(["rm", "/run/openvswitch"]);
      const deaf = await a.type("socketplane cluster init");
      expect(deaf.stderr).toContain("Cannot reach ovsdb-server");
      expect(await a.traces()).toEqual(before);
    },
  );

  test(
    "an underlay that VXLAN can't leave by: it says what to type, and that works",
    patient,
    async () => {
      const { netns, ovs } = a.node;
      ovs.vsctl("del-br", "br-phy");
      await a.machine.must(["nft", "delete", "table", "netdev", "cable"]);
      ip("-n", netns, "address", "add", "192.0.2.1/24", "dev", "under0");
      ip("-n", netns, "route", "add", "default", "via", "192.0.2.99");
      const { status, stderr } = await a.type("socketplane cluster init");
      expect(status).toBe(1);
      expect(stderr).toContain('VXLAN could not leave by link "under0"');
      expect(stderr).toContain("ip route add default via 192.0.2.99 dev br-phy");
      expect(await a.traces()).toEqual(before);
      const typed = stderr.split("\n").filter((line) => /^ +(ovs-vsctl|ip) /.test(line));
      for (const line of typed) {
        const db = `ovs-vsctl --db=unix:${ovs.runDir}/db.sock`;
        await a.machine.must(["sh", "-c", line.replace("ovs-vsctl", db)]);
      }
      expect(await a.must("socketplane cluster init")).toMatchObject({
        interface: "br-phy",
        why: "it has the default route",
        vtep: "192.0.2.1",
      });
    },
  );

  test(
    "containers of the embedded store; without them, its networks make way",
    patient,
    async () => {
      const text = '{"store": {"type": "file", "path": "/var/lib/mine"}, "logLevel": "error"}\n';
      a.machine.write(nodeJson, text);
      await a.must("socketplane network create default 10.9.0.0/24");
      await a.must("socketplane run -d --name one sleep 600");
      const { status, stderr } = await a.type("socketplane cluster init");
      expect(status).toBe(1);
      expect(stderr).toContain("Cannot make a cluster: containers are attached here");
      expect(stderr).toContain("one (eth0)");
      await a.must("socketplane rm -f one");
      expect(await a.must("socketplane cluster init")).toMatchObject({
        subnet: "10.1.0.0/16",
        setAside: ["default"],
      });
      // The embedded store and node.json are as they were, for who leaves again.
      await a.must("socketplane cluster leave");
      expect(await a.must("socketplane network list")).toMatchObject([{ subnet: "10.9.0.0/24" }]);
      expect(await a.machine.must(["cat", nodeJson])).toBe(text);
    },
  );
});

describe("bind", () => {
  test(
    "before there is a cluster, it is for the one to come; what is no interface is refused",
    patient,
    async () => {
      const none = await a.type("socketplane cluster bind eth9");
      expect(none.status).toBe(1);
      expect(none.stderr).toContain('Cannot use interface "eth9": there is no such link');
      expect(none.stderr).toContain("There are: ");
      expect(none.stderr).toContain("br-phy (192.0.2.1, 2001:db8:2::1)");
      expect(await a.must("socketplane cluster bind br-phy")).toEqual({
        interface: "br-phy",
        vtep: "192.0.2.1",
        cluster: "to come",
      });
      // Where the machine reaches something already, the next range is taken.
      ip("-n", a.node.netns, "route", "add", "10.1.5.0/24", "dev", "br-phy");
      expect(await a.must("socketplane cluster init")).toMatchObject({
        why: '"vtep" in node.json names it',
        subnet: "10.2.0.0/16",
      });
    },
  );

  test("a node moves to another interface, and its certificate with it", patient, async () => {
    const { join } = await a.must("socketplane cluster init");
    await b.must(String(join));
    expect(await b.must("socketplane cluster bind br-phy")).toMatchObject({ cluster: "as it was" });
    const { netns, ovs } = b.node;
    ovs.vsctl("add-br", "br-two", "--", "set", "bridge", "br-two", "datapath_type=netdev");
    ip("-n", netns, "address", "add", "198.51.100.2/24", "dev", "br-two");
    ip("-n", netns, "link", "set", "br-two", "up");
    expect(await b.must("socketplane cluster bind br-two")).toEqual({
      interface: "br-two",
      vtep: "198.51.100.2",
      cluster: "moved",
    });
    expect(await a.must("socketplane node list")).toMatchObject([
      { node: "host-a", vtep: "192.0.2.1" },
      { node: "host-b", vtep: "198.51.100.2", agent: true },
    ]);
    ip("-n", a.node.netns, "address", "add", "192.0.2.77/24", "dev", "under0");
    const founder = await a.type("socketplane cluster bind under0 --force");
    expect(founder.status).toBe(1);
    expect(founder.stderr).toContain("the cluster's etcd here is known by another");
  });
});

test(
  "without TLS, and with an etcd that is there: others join without a token",
  patient,
  async () => {
    const line = "socketplane cluster init --insecure --endpoint http://192.0.2.250:2379";
    expect(await a.must(line)).toMatchObject({
      endpoints: ["http://192.0.2.250:2379"],
      network: "default",
      join: "socketplane cluster join --insecure",
    });
    expect(await a.must(line)).toMatchObject({ already: true });
    const refused = await b.type("socketplane cluster join");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("it takes a token");
    expect(await b.must("socketplane cluster join --insecure")).toMatchObject({ node: "host-b" });
    expect(await a.must("socketplane cluster status")).toMatchObject({
      nodes: ["host-a", "host-b"],
    });
    await a.must("socketplane cluster leave");
    await b.must("socketplane cluster leave");
    expect(await b.traces()).toEqual(before);
  },
);
