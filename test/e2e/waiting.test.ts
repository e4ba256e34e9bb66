/** The operator's command while etcd keeps it waiting, and what it knows without. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Etcd, startEtcd } from "../lab/etcd.ts";
import { executables } from "../lab/node.ts";
import { must, run, start } from "../lab/run.ts";

let etcd: Etcd;
let folder: string;
beforeEach(async () => {
  etcd = await startEtcd();
  folder = mkdtempSync(join(tmpdir(), "sp-waiting-"));
  const store = { type: "etcd", endpoints: etcd.endpoints };
  const node = { node: "host-a", store, runDir: join(folder, "run") };
  writeFileSync(join(folder, "node.json"), JSON.stringify(node));
});
afterEach(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const socketplane = () => join(executables, "socketplane");
const env = () => ({
  PATH: process.env.PATH ?? "",
  SOCKETPLANE_CONFIG: join(folder, "node.json"),
});
const type = (...words: readonly string[]) => must({ argv: [socketplane(), ...words], env: env() });

/** On a terminal of so many columns. */
const onTerminal = (line: string, columns: number) => {
  const typed = `stty columns ${columns}; exec ${socketplane()} ${line}`;
  return start({ argv: ["script", "-qec", typed, "/dev/null"], env: env() });
};

describe("on a terminal", () => {
  test("what is waited for is said, and nothing of it is left", async () => {
    await type("network", "create", "web", "10.2.0.0/16");
    etcd.pause();
    const waiting = onTerminal("network list", 60);
    await waiting.says(/Waiting for etcd\.\.\. \d+ s/);
    etcd.resume();
    const { status, stdout } = await waiting.outcome;
    expect(status).toBe(0);
    // What is after the last clearing of the line stays there.
    expect(stdout.split("\r\u001b[K").at(-1)?.replaceAll("\r\n", "\n")).toBe(
      "ID   SUBNET       GATEWAY   VNI\nweb  10.2.0.0/16  10.2.0.1  1\n",
    );
  });

  test("help is as wide as that", async () => {
    const { stdout } = await onTerminal("network create --help", 72).outcome;
    const lines = stdout.split("\r\n");
    const texts = lines.slice(0, lines.indexOf("Examples:"));
    expect(texts.filter((line) => line.length > 72)).toEqual([]);
    expect(texts.filter((line) => line.length > 62)).not.toEqual([]);
  });
});

test("in a pipe nothing is said of waiting, nor with --quiet", async () => {
  etcd.pause();
  const silent = start({ argv: [socketplane(), "network", "list"], env: env() });
  const quiet = onTerminal("network list --quiet", 60);
  // A third one says when there would have been something to say.
  const waiting = onTerminal("network list", 60);
  await waiting.says(/Waiting for etcd\.\.\. 2 s/);
  etcd.resume();
  expect(await silent.outcome).toMatchObject({ status: 0, stdout: "[]\n", stderr: "" });
  expect(await quiet.outcome).toMatchObject({ status: 0, stdout: "", stderr: "" });
  await waiting.outcome;
});

test("names are completed from what was seen last, with etcd held", async () => {
  await type("network", "create", "web", "10.2.0.0/16");
  await type("network", "create", "db", "10.3.0.0/16");
  await type("network", "list");
  etcd.pause();
  const completed = async (...words: readonly string[]) =>
    (await run({ argv: [socketplane(), "__complete", ...words], env: env() })).stdout;
  expect(await completed("network", "delete", "")).toBe("db\t\nweb\t\n");
  expect(await completed("lease", "list", "--network", "d")).toBe("db\t\n");
  expect(await completed("node", "show", "")).toBe("");
  etcd.resume();
});
