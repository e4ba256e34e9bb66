/** A cluster of machines that had nothing, by its own commands: found by multicast, with TLS. */
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BareCluster, type BareMachine, startBare } from "../lab/bare.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";

/** Whole machines come up, on one that may be busy. */
const patient = { timeout: 180_000 };

let lab: Lab;
let bare: BareCluster;
let a: BareMachine;
let b: BareMachine;
let c: BareMachine;
beforeEach(async () => {
  lab = openLab();
  bare = await startBare(lab, 3);
  const [one, two, three] = bare.machines;
  if (one === undefined || two === undefined || three === undefined) throw new Error("no three");
  a = one;
  b = two;
  c = three;
});
afterEach(() => lab.close());

const joinLine = async (machine: BareMachine): Promise<string> =>
  String((await machine.must("socketplane cluster token create")).join);

interface Shown {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
}

/** Starts a container of ours on the machine that stays. */
async function place(machine: BareMachine, network: string): Promise<Shown> {
  const { text } = await machine.must(`socketplane run -d -n ${network} sleep 600`);
  const all = (await machine.must("socketplane ps -o json")) as unknown as readonly Shown[];
  const shown = all.find(({ name }) => name === String(text).trim());
  if (shown === undefined) throw new Error(`${machine.node.name} has no ${text}`);
  machine.machine.addContainer(shown.name, shown.pid);
  return shown;
}

/** What no agent changes by itself: files with what is in them, and processes. */
async function lasting({ machine }: BareMachine): Promise<string> {
  const files = "find /etc/socketplane -type f | sort | xargs sha256sum";
  return machine.must(["sh", "-c", `${files}; cat /run/socketplane/*.pid`]);
}

const reaches = (machine: BareMachine, from: Shown, address: string) =>
  until(`${address} from ${from.name}`, async () => {
    const { status } = await machine.type(`socketplane exec ${from.name} ping -nc1 -W1 ${address}`);
    return status === 0;
  });

test(
  "one init and two joins, naming no address: containers of all three reach each other",
  patient,
  async () => {
    const before = await a.traces();
    const init = await a.must("socketplane cluster init");
    expect(init).toMatchObject({
      node: "host-a",
      interface: "br-phy",
      vtep: "192.0.2.1",
      endpoints: ["https://192.0.2.1:2379"],
      network: "default",
      subnet: "10.1.0.0/16",
      already: false,
    });
    expect(await b.must(String(init.join))).toMatchObject({ node: "host-b", vtep: "192.0.2.2" });
    expect(await c.must(await joinLine(a))).toMatchObject({ node: "host-c", vtep: "192.0.2.3" });

    const [onA, onB, onC] = [
      await place(a, "default"),
      await place(b, "default"),
      await place(c, "default"),
    ];
    expect(new Set([onA, onB, onC].map(({ address }) => address)).size).toBe(3);
    await reaches(a, onA, onB.address);
    await reaches(b, onB, onC.address);
    await reaches(c, onC, onA.address);
    await assertClusterSound(bare.cluster);

    expect(await b.must("socketplane cluster status")).toMatchObject({
      node: "host-b",
      vtep: "192.0.2.2",
      underlay: "ok",
      store: "ok",
      agent: "running",
      nodes: ["host-a", "host-b", "host-c"],
      agents: ["host-a", "host-b", "host-c"],
      networks: ["default"],
      takesIn: ["host-a"],
    });
    expect(await a.must("socketplane cluster status")).toMatchObject({ etcd: "running" });

    // With containers, none of them leaves; where the cluster was made, not before the others.
    const held = await c.type("socketplane cluster leave");
    expect(held.status).toBe(1);
    expect(held.stderr).toContain("Cannot leave the cluster: a container is attached here");
    expect(held.stderr).toContain(onC.name);
    await c.must(`socketplane rm -f ${onC.name}`);
    await a.must(`socketplane rm -f ${onA.name}`);
    const first = await a.type("socketplane cluster leave");
    expect(first.status).toBe(1);
    expect(first.stderr).toContain("its etcd is here, and others are in it");
    expect(first.stderr).toContain("host-b, host-c");

    expect(await c.must("socketplane cluster leave")).toMatchObject({ left: true, node: "host-c" });
    expect(await c.traces()).toEqual(before);
    expect(await a.must("socketplane node list")).toMatchObject([
      { node: "host-a" },
      { node: "host-b" },
    ]);
    const leases = await a.must("socketplane lease list");
    expect(JSON.stringify(leases)).not.toContain("host-c");
    // Whoever has left can come again.
    await c.must(await joinLine(a));
    await c.must("socketplane cluster leave");

    // By force, with what is attached.
    expect(await b.must("socketplane cluster leave --force")).toMatchObject({ detached: 1 });
    expect(await b.traces()).toEqual(before);
    await assertClusterEmpty(
      { ...bare.cluster, nodes: bare.cluster.nodes.slice(0, 1) },
      { without: bare.cluster.nodes.slice(1) },
    );
    await a.must("socketplane cluster leave");
    expect(await a.traces()).toEqual(before);
  },
);

describe("in a cluster of one", () => {
  let join: string;
  beforeEach(async () => {
    join = String((await a.must("socketplane cluster init")).join);
  });

  test("init again, and join again, say that it is so, and change nothing", patient, async () => {
    const files = await lasting(a);
    const again = await a.must("socketplane cluster init");
    expect(again).toMatchObject({ node: "host-a", already: true });
    expect(again.join).toBeUndefined();
    expect(await lasting(a)).toEqual(files);
    await b.must(join);
    const joined = await lasting(b);
    // Also with a token that was used, as long as it is this cluster's.
    expect(await b.must(join)).toMatchObject({ node: "host-b", already: true });
    expect(await b.must("socketplane cluster join")).toMatchObject({ already: true });
    expect(await lasting(b)).toEqual(joined);
    const other = await b.type("socketplane cluster init");
    expect(other.status).toBe(1);
    expect(other.stderr).toContain("Cannot make a cluster: this machine is in one");
  });

  test("a token takes in one machine, and no other than the right one does", patient, async () => {
    const before = await c.traces();
    await b.must(join);
    const used = await c.type(join);
    expect(used.status).toBe(1);
    expect(used.stderr).toContain("its token is not known");
    expect(used.stderr).toContain("socketplane cluster token create");
    const [id = "", , authority = ""] = join.replace(/.* /, "").split(".");
    const wrong = `socketplane cluster join --token ${id}.aaaaaaaaaaaaaaaa.${authority}`;
    expect((await c.type(wrong)).stderr).toContain("its token is not known");
    const none = await c.type("socketplane cluster join");
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('Found: node "host-a" at 192.0.2.1');
    const broken = await c.type("socketplane cluster join --token abc");
    expect(broken.status).toBe(2);
    expect(await c.traces()).toEqual(before);
  });

  test("a node whose store is away says so, and leaves by force alone", patient, async () => {
    const before = await b.traces();
    await b.must(join);
    await a.must("socketplane agent stop");
    const { status, json } = await b.type("socketplane cluster status");
    expect(status).toBe(1);
    expect(json).toMatchObject({ node: "host-b", vtep: "192.0.2.2", agent: "running" });
    expect(String((json as { store: string }).store)).toMatch(/192\.0\.2\.1/);
    const leave = await b.type("socketplane cluster leave");
    expect(leave.status).toBe(1);
    expect(leave.stderr).toContain("Cannot leave the cluster: its store does not answer");
    expect(leave.stderr).toContain("socketplane node remove host-b");
    const forced = await b.must("socketplane cluster leave --force");
    expect(forced.stays).toContain("socketplane node remove host-b");
    expect(await b.traces()).toEqual(before);
    // Its etcd comes with it again, and with that what it knew.
    await a.must("socketplane agent start");
    await a.must("socketplane node remove host-b --force");
    await b.must(String((await a.must("socketplane cluster token create")).join));
  });

  test("tokens are listed, and one that was deleted takes in nobody", patient, async () => {
    const list = async () =>
      (await a.must("socketplane cluster token list")) as unknown as readonly { id: string }[];
    const made = await a.must("socketplane cluster token create --valid 90m");
    expect(new Date(String(made.until)).getTime() - Date.now()).toBeLessThan(90 * 60_000 + 1);
    expect((await list()).length).toBe(2);
    const { token } = made;
    await a.must(`socketplane cluster token delete ${String(token).split(".")[0]}`);
    expect((await list()).length).toBe(1);
    expect((await b.type(String(made.join))).stderr).toContain("its token is not known");
    expect((await a.type("socketplane cluster token delete aaaaaa")).status).toBe(1);
    expect((await a.type("socketplane cluster token make")).status).toBe(2);
  });

  test(
    "etcd answers nobody without a certificate, and the keys are root's alone",
    patient,
    async () => {
      const ask = (...more: readonly string[]) =>
        b.machine.run([
          "curl",
          "-sS",
          "--max-time",
          "5",
          ...more,
          "https://192.0.2.1:2379/version",
        ]);
      expect((await ask("--insecure")).status).not.toBe(0);
      const plain = await b.machine.run(["curl", "-s", "http://192.0.2.1:2379/version"]);
      expect(plain.stdout).not.toContain("etcdserver");
      await b.must(join);
      const pki = "/etc/socketplane/pki";
      const own = [
        "--cacert",
        `${pki}/ca.pem`,
        "--cert",
        `${pki}/node.pem`,
        "--key",
        `${pki}/node.key`,
      ];
      expect((await ask(...own)).stdout).toContain("etcdserver");
      const modes = await a.machine.must([
        "stat",
        "-c",
        "%a %n",
        pki,
        `${pki}/ca.key`,
        `${pki}/node.key`,
      ]);
      expect(modes).toBe(`700 ${pki}\n600 ${pki}/ca.key\n600 ${pki}/node.key\n`);
      expect(existsSync(b.machine.at(`${pki}/ca.key`))).toBe(false);
      // A token takes the authority's hash alone: any node makes one.
      const { token } = await b.must("socketplane cluster token create");
      expect(await a.must("socketplane cluster token list")).toMatchObject([
        { id: String(token).split(".")[0] },
      ]);
    },
  );
});
