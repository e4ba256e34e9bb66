/**
 * What a command loads, by the runtime's own word: JavaScriptCore tells each file that it
 * evaluates, and the build tells which of our modules, and of others', are in that file.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { type CniCall, type Container, executables } from "../lab/node.ts";
import { type Outcome, run } from "../lab/run.ts";

interface Meta {
  readonly inputs: Readonly<
    Record<string, { imports: readonly { path: string; kind: string; external?: true }[] }>
  >;
  readonly outputs: Readonly<Record<string, { inputs: Readonly<Record<string, unknown>> }>>;
}

const metaFile = fileURLToPath(new URL("../../dist/meta/bin/socketplane.json", import.meta.url));
const meta: Meta = JSON.parse(readFileSync(metaFile, "utf8"));
/** Makes the runtime tell, on standard error; what it compiles, too. */
const telling = { BUN_JSC_dumpModuleLoadingState: "1", BUN_JSC_reportBaselineCompileTimes: "1" };

/** The modules that a command loaded, builtins among them. */
function modulesOf({ stderr }: Outcome): readonly string[] {
  const evaluated = Array.from(
    stderr.matchAll(/^Loader \[evaluate\] (\S+)$/gm),
    ([, path = ""]) => path,
  );
  const files = evaluated.filter((path) => path !== "bun:main").map((path) => basename(path));
  if (files.length === 0) throw new Error(`Cannot tell what was loaded: ${stderr}`);
  return files.flatMap((file) => {
    const found = Object.keys(meta.outputs[`./${file}`]?.inputs ?? {});
    // Behind it is the part of the executable that it is in.
    const inputs = found.map((input) => input.replace(/\?#\w+$/, ""));
    const builtins = found
      .flatMap((input) => meta.inputs[input]?.imports ?? [])
      .filter(({ kind, external }) => external && kind !== "dynamic-import")
      .map(({ path }) => path)
      .filter((path) => !path.startsWith("./"));
    return [...inputs, ...builtins];
  });
}

const isOurs = (module: string): boolean => /^((cmd|lib)\/|package\.json$)/.test(module);

const foreign = (outcome: Outcome): readonly string[] =>
  modulesOf(outcome).filter((module) => !isOurs(module));

/** The functions that were compiled, by a thread that takes the processor from the switch. */
const compiled = ({ stderr }: Outcome): readonly string[] =>
  Array.from(stderr.matchAll(/Optimized (.*) using Baseline/g), ([, what = ""]) => what);

let lab: Lab | undefined;
afterEach(async () => lab?.close());

describe("only our own modules are loaded by", () => {
  test.each(["socketplane", "socketplane-ipam"])("VERSION of %s", async (name) => {
    const outcome = await run({
      argv: [`${executables}${name}`],
      env: { ...telling, CNI_COMMAND: "VERSION" },
      stdin: '{"cniVersion":"1.1.0"}',
    });
    expect(modulesOf(outcome)).toContain("cmd/socketplane.ts");
    expect(foreign(outcome)).toEqual([]);
  });

  test("ADD, CHECK, DEL, GC and STATUS", async () => {
    lab = openLab();
    const node = await lab.startNode();
    const [first, second] = [node.addContainer(), node.addContainer()];
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
    const call = async (command: CniCall["command"], container?: Container, more = {}) => {
      const about = { command, conf: { ...conf, ...more }, ...(container && { container }) };
      const outcome = await node.cni({ ...about, env: telling });
      expect({ command, stdout: outcome.stdout, status: outcome.status }).toMatchObject({
        status: 0,
      });
      return outcome;
    };
    // The network is made by the first ADD, which asks a package what is special about its subnet.
    const made = await call("ADD", first);
    expect(made.json).toHaveProperty("ips");
    expect(foreign(made).filter((module) => !module.includes("/ipaddr.js/"))).toEqual([]);

    const added = await call("ADD", second);
    const prevResult = added.json;
    const further = [
      added,
      await call("CHECK", second, { prevResult }),
      await call("STATUS"),
      await call("DEL", second, { prevResult }),
      await call("GC", undefined, { "cni.dev/valid-attachments": [] }),
    ];
    expect(further.map(foreign)).toEqual(further.map(() => []));
    // The build says how hot a function must be for that (jitPolicy).
    expect(further.map(compiled)).toEqual(further.map(() => []));
  });
});

test.each([
  ["socketplane", { type: "socketplane", subnet: "10.2.0.0/16" }],
  [
    "socketplane-ipam",
    { type: "bridge", ipam: { type: "socketplane-ipam", subnet: "10.2.0.0/16" } },
  ],
])("STATUS of %s loads the whole program where something is wrong only", async (plugin, more) => {
  lab = openLab();
  const node = await lab.startNode();
  const conf = { cniVersion: "1.1.0", name: "web", ...more };
  const status = async () => {
    const outcome = await node.cni({ command: "STATUS", conf, plugin, env: telling });
    expect(outcome).toMatchObject({ status: 0, stdout: "" });
    return modulesOf(outcome).includes("cmd/main.ts");
  };
  // There is nothing here of the network, and an ADD would make it.
  expect(await status()).toBe(true);
  await node.cni({ command: "ADD", conf, plugin, container: node.addContainer() });
  expect(await status()).toBe(false);
});

test("ADD, CHECK and DEL of socketplane-ipam load only our own modules too", async () => {
  lab = openLab();
  const node = await lab.startNode();
  const ipam = { type: "socketplane-ipam", subnet: "10.3.0.0/16" };
  const conf = { cniVersion: "1.1.0", name: "plain", type: "bridge", ipam };
  const about = { container: node.addContainer(), plugin: "socketplane-ipam", env: telling };
  await node.cni({ ...about, container: node.addContainer(), conf, command: "ADD" });
  let prevResult: unknown;
  for (const command of ["ADD", "CHECK", "DEL"] as const) {
    const outcome = await node.cni({ ...about, conf: { ...conf, prevResult }, command });
    prevResult ??= outcome.json;
    expect({ command, status: outcome.status }).toEqual({ command, status: 0 });
    expect({ command, foreign: foreign(outcome) }).toEqual({ command, foreign: [] });
  }
});

test("etcd's client is loaded by the ADD that claims a block, and by no other after it", async () => {
  lab = openLab();
  const { nodes } = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
  const [node] = nodes;
  if (node === undefined) throw new Error("no node");
  const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
  const call = async (command: CniCall["command"], container: Container) => {
    const outcome = await node.cni({ command, container, conf, env: telling });
    expect({ command, stdout: outcome.stdout, status: outcome.status }).toMatchObject({
      status: 0,
    });
    return foreign(outcome);
  };
  const [first, second] = [node.addContainer(), node.addContainer()];
  const claiming = await call("ADD", first);
  expect(claiming.some((module) => module.includes("/@grpc/grpc-js/"))).toBe(true);
  // etcd3's own connections are not what is used.
  expect(claiming.some((module) => module.includes("/etcd3/lib/connection-pool"))).toBe(false);
  expect(await call("ADD", second)).toEqual([]);
  expect(await call("DEL", second)).toEqual([]);
});

test("the operator's command loads yargs when there is something to parse, and not for help", async () => {
  const loaded = async (line: string) => {
    const argv = [`${executables}socketplane`, ...line.split(" ")];
    return modulesOf(await run({ argv, env: telling }));
  };
  const isYargs = (module: string) => module.includes("node_modules/yargs/");
  expect((await loaded("network list --config /nowhere/node.json")).some(isYargs)).toBe(true);
  for (const line of ["--help", "network create --help", "--version", "__complete network "]) {
    const modules = await loaded(line);
    expect(modules).toContain("lib/cli/main.ts");
    expect(modules.filter((module) => !isOurs(module))).toEqual([]);
  }
});
