/** Certificates of ours with a real etcd, and one that is renewed under a store that is open. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import { createAuthority, openAuthority } from "../../../lib/trust/authority.ts";
import { issueNode } from "../../../lib/trust/certificate.ts";
import { freePort, type Member, openMember } from "../../lab/etcd-member.ts";
import { until } from "../../lab/until.ts";
import { openEtcd } from "./etcd-lab.ts";
import { makeTestFolder } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 20_000);
const yearMs = 365 * 24 * 3_600_000;
const address = "127.0.0.1";

const folder = makeTestFolder();
const file = (name: string) => join(folder.path, name);
let etcd: Member | undefined;
let issue: (at: Date) => Promise<void>;

/** An etcd as a cluster's first node has it: its certificate is both a server's and a client's. */
beforeAll(async () => {
  const made = await createAuthority(new Date(Date.now() - 2 * yearMs));
  const authority = await openAuthority(made);
  writeFileSync(file("ca.pem"), made.cert);
  issue = async (at) => {
    const { cert, key } = await issueNode(authority, { name: "host-b", addresses: [] }, at);
    writeFileSync(file("node.pem"), cert);
    writeFileSync(file("node.key"), key);
  };
  const server = await issueNode(authority, { name: "host-a", addresses: [] }, new Date());
  writeFileSync(file("etcd.pem"), server.cert);
  writeFileSync(file("etcd.key"), server.key);
  const peerUrl = `http://${address}:${await freePort(address)}`;
  const own = [`--cert-file=${file("etcd.pem")}`, `--key-file=${file("etcd.key")}`];
  etcd = openMember({
    name: "alone",
    folder: folder.path,
    netns: undefined,
    clientUrl: `https://${address}:${await freePort(address)}`,
    peerUrl,
    cluster: `alone=${peerUrl}`,
    more: [...own, "--client-cert-auth", `--trusted-ca-file=${file("ca.pem")}`],
    credentials: [
      `--cacert=${file("ca.pem")}`,
      `--cert=${file("etcd.pem")}`,
      `--key=${file("etcd.key")}`,
    ],
  });
  etcd.start();
  await etcd.ready();
});
afterAll(async () => {
  await etcd?.kill();
  folder.remove();
});

test("a certificate whose time is over is refused; renewed, the same store goes on", async () => {
  // Good for a year, from two years ago on.
  await issue(new Date(Date.now() - 2 * yearMs));
  const tls = { ca: file("ca.pem"), cert: file("node.pem"), key: file("node.key") };
  const store = openEtcd({ endpoints: [etcd?.clientUrl ?? ""], tls });
  await expect(store.get("/a", soon())).rejects.toThrow(/Cannot read key/);
  await issue(new Date());
  expect(await store.get("/a", soon())).toBeUndefined();
  await store.close();
});

test("a watch goes on with the renewed one, where etcd was away meanwhile", async () => {
  await issue(new Date());
  const tls = { ca: file("ca.pem"), cert: file("node.pem"), key: file("node.key") };
  const store = openEtcd({ endpoints: [etcd?.clientUrl ?? ""], tls });
  const { revision } = await store.range("/w", soon());
  const seen: string[] = [];
  const closed = new AbortController();
  const watching = store.watch(
    "/w",
    revision,
    (events) => void seen.push(...events.map(({ value }) => value)),
    closed.signal,
  );
  const put = (value: string) =>
    store.commit({ compares: [], writes: [{ put: "/w/a", value }] }, soon());
  await put("before");
  await until("the first event", () => seen.includes("before"));
  const before = readFileSync(file("node.pem"), "utf8");
  await issue(new Date());
  expect(readFileSync(file("node.pem"), "utf8")).not.toBe(before);
  await etcd?.kill();
  etcd?.start();
  await etcd?.ready();
  await put("after");
  await until("the second event", () => seen.includes("after"));
  closed.abort();
  await watching;
  await store.close();
});
