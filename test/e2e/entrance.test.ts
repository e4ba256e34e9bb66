/** The way into a cluster, as agents keep it: real machines, a real etcd that asks for certificates. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Authority, createAuthority, openAuthority } from "../../lib/trust/authority.ts";
import { issueNode, readCertificate } from "../../lib/trust/certificate.ts";
import type { Agent } from "../lab/agent.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { openMember } from "../lab/etcd-member.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { must, type Running, run, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { programAt, runtimes } from "../lib/sys/runtimes.ts";

const prefix = "/socketplane/v1";
const dayMs = 24 * 3_600_000;
const port = 9479;

let lab: Lab;
let cluster: Cluster;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 0, wire: "unrecorded" });
});
afterEach(async () => lab?.close());

const pkiOf = (name: string, file: string) => join(lab.folder, `pki-${name}`, file);
/** "store" of node.json, of a node that has its certificates in the lab's folder. */
const storeOf = (name: string) => ({
  type: "etcd",
  endpoints: ["https://192.0.2.1:2379"],
  prefix,
  tls: { ca: pkiOf(name, "ca.pem"), cert: pkiOf(name, "node.pem"), key: pkiOf(name, "node.key") },
});

/** Starts a program that ends with the lab. */
function startAside({ netns }: ClusterNode, argv: readonly string[]): Running {
  const tied = ["setpriv", "--pdeathsig", "KILL", ...argv];
  const running = start({ netns, argv: tied, limitMs: 120_000 });
  lab.onClose(async () => {
    running.kill("SIGKILL");
    await running.outcome;
  });
  return running;
}

async function probe(node: ClusterNode, ...args: readonly string[]): Promise<unknown> {
  const argv = [...runtimes.bun, programAt("../../e2e/entrance-probe.ts"), ...args];
  const { stdout, stderr } = await run({ netns: node.netns, argv, limitMs: 60_000 });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

/** The first node: the authority and its key, etcd with a certificate of it. */
async function makeFirst(): Promise<{ node: ClusterNode; authority: Authority; ca: string }> {
  const made = await createAuthority(new Date(Date.now() - 400 * dayMs));
  const authority = await openAuthority(made);
  const node = await cluster.addNode({ config: { store: storeOf("host-a") } });
  mkdirSync(pkiOf("host-a", ""), { mode: 0o700 });
  const own = await issueNode(authority, { name: "host-a", addresses: [node.vtep] }, new Date());
  write("host-a", { "ca.pem": made.cert, "ca.key": made.key });
  write("host-a", { "node.pem": own.cert, "node.key": own.key });
  const client = ["cert", "key"].map((one) =>
    pkiOf("host-a", one === "cert" ? "node.pem" : "node.key"),
  );
  const [cert = "", key = ""] = client;
  const ca = pkiOf("host-a", "ca.pem");
  const member = openMember({
    name: "first",
    folder: lab.folder,
    netns: node.netns,
    clientUrl: `https://${node.vtep}:2379`,
    peerUrl: "http://127.0.0.1:2380",
    cluster: "first=http://127.0.0.1:2380",
    more: [
      ...[`--cert-file=${cert}`, `--key-file=${key}`],
      ...["--client-cert-auth", `--trusted-ca-file=${ca}`],
    ],
    credentials: [`--cacert=${ca}`, `--cert=${cert}`, `--key=${key}`],
  });
  lab.onClose(member.kill);
  member.start();
  await member.ready();
  return { node, authority, ca };
}

function write(name: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(pkiOf(name, file), text, { mode: 0o600 });
  }
}

/** A search for whatever is announced. */
const wide = ({ vtep: address }: ClusterNode) => ({ address, patienceMs: 1_500 });

const certificateOf = async (name: string) => {
  const facts = await readCertificate(readFileSync(pkiOf(name, "node.pem"), "utf8"));
  if (facts === undefined) throw new Error(`${name} has no certificate`);
  return facts;
};

const healthOf = async (agent: Agent) => JSON.parse((await agent.ask("/healthz")) ?? "{}");

/** Ports that are listened on in a namespace. */
const listening = ({ netns }: { readonly netns: string }) =>
  must({ netns, argv: ["ss", "-Hlnut"] });

test("a node finds the cluster on its segment, joins by a token, and stays certified", async () => {
  const { node: first, authority, ca } = await makeFirst();
  const agent = await first.startAgent();
  await agent.says(/takes others into the cluster/);
  const token = await probe(first, "token", JSON.stringify(storeOf("host-a")), ca);
  // Another cluster is announced there as well.
  const other = await cluster.addNode();
  const foreign = { cluster: "other", node: "x", host: other.vtep, port, version: "1" };
  const argv = [...runtimes.node, programAt("../cluster/mdns-probe.ts")];
  const announced = JSON.stringify({ ...foreign, authority: "a".repeat(52) });
  const running = startAside(other, [...argv, "announce", announced]);
  await running.says(/announced/);

  const second = await cluster.addNode({ name: "host-b", config: { store: storeOf("host-b") } });
  mkdirSync(pkiOf("host-b", ""), { mode: 0o700 });
  const wish = { token, node: "host-b", vtep: second.vtep, machineId: second.machineId };
  const joined = await probe(second, "join", JSON.stringify(wish), pkiOf("host-b", ""));
  expect(joined).toMatchObject({
    found: [{ node: "host-a", host: first.vtep, port, authority: authority.hash }],
    endpoints: ["https://192.0.2.1:2379"],
    prefix,
  });
  const read = (name: string) => readFileSync(pkiOf("host-b", name), "utf8");
  write("host-b", { "ca.pem": read("ca"), "node.pem": read("cert"), "node.key": read("key") });
  const joiner = await second.startAgent();
  expect(await healthOf(joiner)).toEqual({ status: "ok" });
  // It has no authority's key, so it takes in nobody.
  expect(await listening(second)).not.toContain(`:${port}`);
  const shown = await first.socketplane("node", "list", "-o", "json");
  expect(JSON.stringify(shown.json)).toContain("host-b");

  // Some months later.
  const before = await certificateOf("host-b");
  const old = await issueNode(
    authority,
    { name: "host-b", addresses: [second.vtep] },
    new Date(Date.now() - 300 * dayMs),
  );
  write("host-b", { "node.pem": old.cert, "node.key": old.key });
  joiner.kill("SIGHUP");
  await joiner.says(/renewed this node's certificate/);
  const after = await certificateOf("host-b");
  expect(after.notAfter.getTime()).toBeGreaterThanOrEqual(before.notAfter.getTime());
  expect(after).toMatchObject({ name: "host-b" });
  expect(after.addresses).toContain(second.vtep);
  const metrics = await joiner.ask("/metrics");
  const end = Math.floor(after.notAfter.getTime() / 1_000);
  expect(metrics).toContain(`socketplane_certificate_end_timestamp_seconds ${end}\n`);
  // Its key has stayed.
  expect(read("node.key")).toBe(old.key);
  // Where the authority's key is copied to, others are taken in as well.
  write("host-b", { "ca.key": readFileSync(pkiOf("host-a", "ca.key"), "utf8") });
  joiner.kill("SIGHUP");
  await joiner.says(/takes others into the cluster/);
  const seen = async () => {
    const found = await probe(other, "search", JSON.stringify(wide(other)));
    return JSON.stringify(found);
  };
  await until("both ways in", async () => {
    const found = await seen();
    return [first, second].every(({ vtep }) => found.includes(`"${vtep}"`));
  });

  const { stderr } = await agent.stop();
  const [, secret = ""] = String(token).split(".");
  expect(secret).toHaveLength(16);
  expect(stderr).not.toContain(secret);
  expect(stderr).not.toContain("PRIVATE KEY");
  // Gone at once for who looks now.
  await until("the first one gone, and no other", async () => {
    const found = await seen();
    return !found.includes(`"${first.vtep}"`) && found.includes(`"${second.vtep}"`);
  });
});

test("a port that is taken: the agent is well, says so, and serves when it is free", async () => {
  const { node, authority } = await makeFirst();
  const squat = `require("net").createServer().listen(${port}, "${node.vtep}", () => console.log("has it"))`;
  const [runtime = ""] = runtimes.node;
  const squatter = startAside(node, [runtime, "-e", squat]);
  await squatter.says(/has it/);
  const agent = await node.startAgent();
  await agent.says(/cannot take others into the cluster/);
  const health = await until("the remark", async () => {
    const said = await healthOf(agent);
    return said.joining === undefined ? undefined : said;
  });
  expect(health).toEqual({
    status: "ok",
    joining: expect.stringContaining(`Cannot listen on ${node.vtep}:${port}: `),
  });
  squatter.kill("SIGKILL");
  await squatter.outcome;
  agent.kill("SIGHUP");
  await agent.says(/takes others into the cluster/);
  await until("no remark", async () => (await healthOf(agent)).joining === undefined);
  expect(await listening(node)).toContain(`${node.vtep}:${port}`);

  // The link that it is announced on is made again, as the switch's are when it is restarted.
  const seeker = await cluster.addNode();
  const search = JSON.stringify(wide(seeker));
  const isFound = async () => {
    const found = await probe(seeker, "search", search);
    return Array.isArray(found) && found.length === 1;
  };
  await until("it found", isFound);
  await node.ovs.endSwitch();
  await node.ovs.startSwitch();
  agent.kill("SIGHUP");
  await until("it found again", isFound);

  // The first node has the authority's key: it signs for itself, and shows the new one at once.
  const shown = async () => {
    const s_client = ["openssl", "s_client", "-connect", `${node.vtep}:${port}`];
    const { stdout } = await run({ netns: node.netns, argv: s_client, stdin: "" });
    return (
      await readCertificate(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/.exec(stdout)?.[0] ?? "")
    )?.notAfter;
  };
  const old = await issueNode(
    authority,
    { name: "host-a", addresses: [node.vtep] },
    new Date(Date.now() - 300 * dayMs),
  );
  write("host-a", { "node.pem": old.cert, "node.key": old.key });
  agent.kill("SIGHUP");
  await agent.says(/renewed this node's certificate/);
  const renewed = await certificateOf("host-a");
  await until("the renewed one", async () => {
    return (await shown())?.getTime() === renewed.notAfter.getTime();
  });
});

test("a cluster without TLS, and nodes that have none: what is served and announced", async () => {
  // With the embedded store there is no cluster.
  const alone = await cluster.addNode({ config: { store: { type: "file", path: lab.folder } } });
  await alone.startAgent();
  // Etcd's, with no word of taking others in.
  const silent = await cluster.addNode();
  await silent.startAgent();
  const open = await cluster.addNode({ config: { agent: { join: { insecure: true } } } });
  const agent = await open.startAgent();
  await agent.says(/takes others into the cluster/);
  await until("it listening", async () => (await listening(open)).includes(":5353"));
  for (const node of [alone, silent]) {
    expect(await listening(node)).not.toMatch(new RegExp(`:(${port}|5353)\\b`));
  }
  const wish = { node: "host-x", vtep: alone.vtep, machineId: "x" };
  expect(await probe(alone, "join", JSON.stringify(wish), lab.folder)).toEqual({
    found: [expect.objectContaining({ host: open.vtep, node: open.name })],
    endpoints: cluster.etcd.endpoints,
    prefix,
  });
});
