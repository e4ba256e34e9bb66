import { existsSync, readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { programAt, runtimes } from "../lib/sys/runtimes.ts";
import { type Etcd, startEtcd, startEtcdCluster } from "./etcd.ts";
import { start } from "./run.ts";

const stored = ({ etcdctl }: Pick<Etcd, "etcdctl">, key: string): string =>
  etcdctl("get", "--print-value-only", key).trim();

test("a killed etcd keeps its data, a wiped one does not, and a restored one has old ones", async () => {
  const etcd = await startEtcd();
  try {
    etcd.etcdctl("put", "a", "1");
    await etcd.kill();
    expect(() => etcd.etcdctl("--command-timeout=200ms", "get", "a")).toThrow();
    await etcd.start();
    expect(stored(etcd, "a")).toBe("1");
    const snapshot = etcd.snapshot();
    etcd.etcdctl("put", "a", "2");
    etcd.compact();
    expect(() => etcd.etcdctl("get", "--rev=2", "a")).toThrow("compacted");
    await etcd.wipe();
    expect(stored(etcd, "a")).toBe("");
    await etcd.restore(snapshot);
    expect(stored(etcd, "a")).toBe("1");
  } finally {
    await etcd.stop();
  }
  expect(existsSync(etcd.folder)).toBe(false);
});

test("a paused etcd answers nothing until it goes on", async () => {
  const etcd = await startEtcd();
  try {
    etcd.pause();
    expect(() => etcd.etcdctl("--command-timeout=200ms", "get", "a")).toThrow();
    etcd.resume();
    expect(stored(etcd, "a")).toBe("");
  } finally {
    await etcd.stop();
  }
});

test("certificates and users are asked for, also after a wipe", async () => {
  const auth = { username: "sp", password: "secret" };
  const etcd = await startEtcd({ tls: "mutual", auth });
  try {
    const as = (user: string) => ["--user", user];
    etcd.etcdctl(...as("sp:secret"), "put", "a", "1");
    expect(() => etcd.etcdctl(...as("sp:wrong"), "put", "a", "2")).toThrow("authentication");
    await etcd.wipe();
    expect(() => etcd.etcdctl(...as("sp:wrong"), "put", "a", "2")).toThrow("authentication");
    expect(stored(etcd, "a")).toBe("");
  } finally {
    await etcd.stop();
  }
});

test("of three members one leads, and another one when that is killed", async () => {
  const cluster = await startEtcdCluster();
  try {
    const first = cluster.leader();
    await first.kill();
    const others = cluster.members.filter((member) => member !== first);
    await Promise.all(others.map((member) => member.ready()));
    expect(others).toContain(cluster.leader());
  } finally {
    await cluster.stop();
  }
});

/** Also a process that ended and that nobody has waited for is gone. */
const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

test("no etcd outlives a test run that is killed", async () => {
  const program = `
    const { startEtcd } = await import(${JSON.stringify(programAt("../../lab/etcd.ts"))});
    const etcd = await startEtcd();
    console.log("in " + etcd.folder + " pid " + etcd.pid() + ".");
    setInterval(() => {}, 1000);`;
  const run = start({ argv: [...runtimes.node, "--input-type=module", "--eval", program] });
  const [, folder = "", pid = ""] = await run.says(/in (\S+) pid (\d+)\./);
  try {
    expect(isRunning(Number(pid))).toBe(true);
    run.kill("SIGKILL");
    await run.outcome;
    // The kernel kills it as its parent dies, or a moment later.
    await expect.poll(() => isRunning(Number(pid)), { timeout: 10_000 }).toBe(false);
  } finally {
    if (isRunning(Number(pid))) process.kill(Number(pid), "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
