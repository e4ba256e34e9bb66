/** The executables with either runtime in them, where etcd is not what node.json says of it. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAuthority } from "../lab/certificates.ts";
import { type Etcd, startEtcd } from "../lab/etcd.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { run, start } from "../lab/run.ts";
import { lineOf, same } from "./both.ts";

let lab: Lab;
let node: LabNode;
let etcd: Etcd;
let tls: { readonly ca: string; readonly cert: string; readonly key: string };
let other: typeof tls;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  etcd = await startEtcd({ netns: node.netns, folder: lab.folder, tls: "mutual" });
  lab.onClose(etcd.stop);
  if (etcd.tls === undefined) throw new Error("etcd has no certificates");
  tls = etcd.tls;
  const authority = makeAuthority(lab.folder, "other");
  other = { ca: authority.ca, ...authority.issue("stranger") };
  writeFileSync(join(lab.folder, "text"), "no certificate\n");
  serve(4001, "socket.end()");
  serve(4002, "socket.end('HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi')");
  serve(4003, "socket.resetAndDestroy()");
});
afterAll(() => lab.close());

/** Listens in the node, and does this with whoever comes. */
function serve(port: number, answer: string): void {
  const program = `require("node:net").createServer((socket) => {
    socket.on("error", () => {});
    ${answer};
  }).listen(${port}, "127.0.0.1")`;
  const argv = ["setpriv", "--pdeathsig", "KILL", process.execPath, "-e", program];
  const running = start({ netns: node.netns, argv, limitMs: 600_000 });
  lab.onClose(async () => {
    running.kill("SIGKILL");
    await running.outcome;
  });
}

/** A node.json with that store. */
function using(store: object): Readonly<Record<string, string>> {
  const config = join(mkdtempSync(join(lab.folder, "c")), "node.json");
  const usual = JSON.parse(readFileSync(node.config, "utf8"));
  writeFileSync(config, JSON.stringify({ ...usual, store: { type: "etcd", ...store } }));
  return { SOCKETPLANE_CONFIG: config };
}

const text = () => join(lab.folder, "text");
const at = (endpoint: string, more: object = {}) => ({ endpoints: [endpoint], ...more });
const good = "https://127.0.0.1:2379";

const faults: readonly (readonly [string, () => object])[] = [
  ["nobody listens there", () => at("http://127.0.0.1:4000")],
  ["nobody listens there, by TLS", () => at("https://127.0.0.1:4000", { tls })],
  ["there is no way there", () => at("https://198.51.100.7:2379", { tls })],
  ["a name is nobody's", () => at("https://nowhere.invalid:2379", { tls })],
  ["it wants TLS", () => at("http://127.0.0.1:2379")],
  ["it wants a certificate of us", () => at(good, { tls: { ca: tls.ca } })],
  ["its authority is another", () => at(good, { tls: { ...tls, ca: other.ca } })],
  ["our authority is another", () => at(good, { tls: { ...other, ca: tls.ca } })],
  ["its certificate is for another address", () => at("https://127.0.0.2:2379", { tls })],
  ["no authority is named", () => at(good, { tls: { cert: tls.cert, key: tls.key } })],
  ["the key is another's", () => at(good, { tls: { ...tls, key: other.key } })],
  ["the key is no key", () => at(good, { tls: { ...tls, key: text() } })],
  ["the certificate is none", () => at(good, { tls: { ...tls, cert: text() } })],
  ["the authority is none", () => at(good, { tls: { ...tls, ca: text() } })],
  ["a file is not there", () => at(good, { tls: { ...tls, ca: "/nowhere/ca.pem" } })],
  ["a file is a folder", () => at(good, { tls: { ...tls, ca: "/" } })],
  ["it hangs up", () => at("http://127.0.0.1:4001")],
  ["it hangs up, by TLS", () => at("https://127.0.0.1:4001", { tls })],
  ["it is no etcd, by TLS", () => at("https://127.0.0.1:4002", { tls })],
  ["it resets what comes, by TLS", () => at("https://127.0.0.1:4003", { tls })],
];

/** By the operator's command: a plugin remembers for a while that etcd is away. */
describe.concurrent("it says the same where", () => {
  test.each(faults)("%s", async (_, store) => {
    const environment = using(store());
    const { status } = await same((of) => {
      const { env, ...line } = lineOf(of, node, "network", "list");
      return run({ ...line, env: { ...env, ...environment } });
    });
    expect(status).toBe(1);
  });
});
