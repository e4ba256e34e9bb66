/** What lies in the working directory, or in PATH, has no say in what root runs; nor has a umask. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables } from "../lab/node.ts";
import { must, run } from "../lab/run.ts";

const bun = fileURLToPath(new URL("../../node_modules/.bin/bun", import.meta.url));
const env = { PATH: "/usr/bin:/bin" };

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sp-hostile-"));
  // Built before the rest is there: Bun's bundler reads such files too.
  writeFileSync(at("probe.ts"), 'console.log(process.env.CNI_COMMAND ?? "none");\n');
  await must({ argv: [bun, "build", "probe.ts", "--compile", "--outfile=probe"], cwd: folder });
  const leave = `require("node:fs").writeFileSync(${JSON.stringify(at("ran"))}, "");`;
  writeFileSync(at(".env"), "CNI_COMMAND=VERSION\n");
  writeFileSync(at("preload.js"), leave);
  writeFileSync(at("bunfig.toml"), 'preload = ["./preload.js"]\n');
  writeFileSync(at("package.json"), '{ "imports": { "#ffi": "./preload.js" } }');
  writeFileSync(
    at("tsconfig.json"),
    '{ "compilerOptions": { "paths": { "*": ["./preload.js"] } } }',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("in a hostile working directory", () => {
  test.each(["socketplane", "socketplane-ipam"])("%s reads nothing of it", async (name) => {
    const { stdout } = await run({ argv: [join(executables, name), "--help"], cwd: folder, env });
    expect(stdout).not.toContain("supportedVersions");
    expect(existsSync(at("ran"))).toBe(false);
  });

  test("an executable built without our settings would", async () => {
    const { stdout, stderr } = await run({ argv: [at("probe")], cwd: folder, env });
    expect({ stdout, stderr }).toEqual({ stdout: "VERSION\n", stderr: "" });
    expect(existsSync(at("ran"))).toBe(true);
    rmSync(at("ran"));
  });
});

describe("ADD, CHECK and DEL", () => {
  let lab: Lab | undefined;
  afterEach(async () => lab?.close());

  test("look nothing up in PATH, and keep what they write to themselves", async () => {
    lab = openLab();
    const node = await lab.startNode();
    const container = node.addContainer();
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
    const hostile = { PATH: hostileTools(), CNI_PATH: at("nowhere") };
    const call = { container, conf, env: hostile };

    const umask = process.umask(0);
    const added = await node.cni({ ...call, command: "ADD" });
    process.umask(umask);
    expect(added).toMatchObject({ status: 0 });
    const open = [...modesBelow(node.runDir), ...modesBelow(node.storeDir)];
    expect(open.length).toBeGreaterThan(5);
    expect(open.filter(({ mode, folder }) => mode !== (folder ? 0o700 : 0o600))).toEqual([]);

    const withResult = { ...call, conf: { ...conf, prevResult: added.json } };
    expect(await node.cni({ ...withResult, command: "CHECK" })).toMatchObject({ status: 0 });
    expect(await node.cni({ ...withResult, command: "DEL" })).toMatchObject({ status: 0 });
    expect(existsSync(at("tool-ran"))).toBe(false);
    await run({ argv: ["ip", "link"], env: hostile });
    expect(existsSync(at("tool-ran"))).toBe(true);
    await assertNothingLeft([node]);
  });
});

/** A folder with programs of well-known names that leave a mark when they are run. Its path. */
function hostileTools(): string {
  const tools = at("tools");
  mkdirSync(tools);
  const names = [
    "ip",
    "nft",
    "ethtool",
    "sysctl",
    "modprobe",
    "mount",
    "sh",
    "bash",
    "env",
    "hostname",
  ];
  for (const name of [...names, "ovs-vsctl", "ovs-ofctl", "host-local", "socketplane-ipam"]) {
    writeFileSync(join(tools, name), `#!/bin/sh\n: >${at("tool-ran")}\n`, { mode: 0o755 });
  }
  return tools;
}

function modesBelow(path: string): readonly { path: string; mode: number; folder: boolean }[] {
  const inside = readdirSync(path, { recursive: true }).map((name) => join(path, String(name)));
  return [path, ...inside].map((one) => {
    const found = lstatSync(one);
    return { path: one, mode: found.mode & 0o777, folder: found.isDirectory() };
  });
}
