/**
 * Whole processes: the executables, on a node of a lab, with broken stdin and environment, with
 * files of theirs that are broken, and by a switch whose replies are.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../lib/errors.ts";
import { done } from "../lab/attach.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { type CniCall, type Container, executables, type LabNode } from "../lab/node.ts";
import { type Command, run } from "../lab/run.ts";
import { openSwitchWay, type SwitchWay } from "../lab/switch-way.ts";
import { type Random, seeded } from "../lib/random.ts";
import type { Finding } from "./case.ts";
import type { Range, Report } from "./many.ts";
import { damaged } from "./mutate-bytes.ts";
import { assertAnswer, someEnv, someStdin } from "./target-cni.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const collected = { ...conf, "cni.dev/valid-attachments": [] };

/** Milliseconds after which a process is taken for one that never ends. */
const patienceMs = 60_000;

interface Place {
  readonly node: LabNode;
  readonly container: Container;
  readonly way: SwitchWay;
}

interface ProcessCase {
  readonly command: Command;
  /** What is broken beside the command's own input, for people. */
  readonly about?: unknown;
  readonly takeBack?: () => void;
}

type Make = (place: Place, random: Random) => ProcessCase;

/** The kernel takes 128 KiB, the name and its own marks included (MAX_ARG_STRLEN). */
const longestVariable = 30_000;

/** Whatever comes on stdin and in the environment. */
const byInput: Make = ({ node, container }, random) => {
  const clean = (value: string) => value.replaceAll("\0", "").slice(0, longestVariable);
  const env = Object.fromEntries(
    Object.entries(someEnv(random)).map(([key, value]) => [key, clean(value)]),
  );
  // Without one it is the operator's command.
  env.CNI_COMMAND ||= "DEL";
  if (random.below(2) === 0) env.CNI_NETNS = container.path;
  if (random.below(2) === 0) env.CNI_PATH = executables;
  const name = random.one(["socketplane", "socketplane-ipam"]);
  return {
    command: {
      argv: [join(executables, name)],
      netns: node.netns,
      env: { ...env, SOCKETPLANE_CONFIG: node.config },
      stdin: Buffer.from(someStdin(random)).toString(),
      limitMs: patienceMs,
    },
  };
};

const verbs = ["ADD", "CHECK", "DEL", "GC", "STATUS"] as const;

/** A call that would do what it should. */
function goodCall({ node, container }: Place, random: Random): Command {
  const command = random.one(verbs);
  const prevResult = {
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0", mac: "02:42:0a:02:00:03", sandbox: container.path }],
    ips: [{ address: "10.2.0.3/16", gateway: "10.2.0.1", interface: 0 }],
  };
  const given = command === "GC" ? collected : command === "CHECK" ? { ...conf, prevResult } : conf;
  const of: CniCall = { command, conf: given, container, limitMs: patienceMs };
  return node.cniCommand(of);
}

const bySwitch: Make = (place, random) => {
  const command = withSwitch(goodCall(place, random), place);
  const number = 1 + random.below(6);
  place.way.change((part) =>
    part.number === number ? { bytes: damaged(part.bytes, random), after: "end" } : undefined,
  );
  return { command };
};

/** node.json with the other folder. */
function withSwitch(command: Command, { node, way }: Place): Command {
  const config = `${node.config}.broken`;
  if (!existsSync(config)) {
    const json = JSON.parse(readFileSync(node.config, "utf8"));
    writeFileSync(config, JSON.stringify({ ...json, ovs: { runDir: way.runDir } }));
  }
  return { ...command, env: { ...command.env, SOCKETPLANE_CONFIG: config } };
}

/** One file of the run directory or the store, as long as the command runs. */
const byFile: Make = (place, random) => {
  const { runDir, storeDir } = place.node;
  const files = [...filesIn(runDir), ...filesIn(storeDir)].filter(
    (path) => statSync(path).size > 0,
  );
  const path = random.one(files);
  const whole = readFileSync(path);
  const bytes = damaged(whole, random);
  // In its place: it has other names too.
  writeFileSync(path, bytes);
  const takeBack = () => {
    if (existsSync(path)) writeFileSync(path, whole);
  };
  return { command: goodCall(place, random), about: { path, bytes: `${bytes}` }, takeBack };
};

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });

const kinds: Readonly<Record<string, Make>> = {
  "a process's input": byInput,
  "a process's switch": bySwitch,
  "a process's files": byFile,
};

/** A node with a container in a network. */
async function openPlace(lab: Lab, name: string): Promise<Place> {
  const node = await lab.startNode({ name });
  const way = await openSwitchWay(node.ovs.runDir, join(lab.folder, `${name}-switch`));
  lab.onClose(way.close);
  const container = node.addContainer();
  done("ADD", await node.cni({ command: "ADD", conf, container }));
  return { node, way, container };
}

/**
 * Runs them, one after the other. At the end, GC must leave nothing on the node, whatever was
 * begun.
 */
export async function runProcesses({ seed, count }: Range): Promise<Report> {
  const lab = openLab();
  try {
    const findings: Finding[] = [];
    const tally: Record<string, { taken: number; refused: number }> = {};
    const place = await openPlace(lab, "node");
    // Whose files were broken may leave what nobody knows of.
    const damagedPlace = await openPlace(lab, "damaged");
    for (let at = seed; at < seed + count; at += 1) {
      const random = seeded(at);
      const [name, make] = random.one(Object.entries(kinds));
      const { command, about, takeBack } = make(make === byFile ? damagedPlace : place, random);
      const verb = command.env?.CNI_COMMAND;
      const { env, stdin } = command;
      const outcome = await run(command);
      takeBack?.();
      const counted = tally[name] ?? { taken: 0, refused: 0 };
      counted[outcome.status === 0 ? "taken" : "refused"] += 1;
      tally[name] = counted;
      try {
        assertAnswer(outcome, verb || undefined);
      } catch (fault) {
        const input = JSON.stringify({ env, stdin, about, stderr: outcome.stderr.slice(-4000) });
        findings.push({ target: name, seed: at, input, fault: reasonOf(fault) });
      }
    }
    done("GC", await place.node.cni({ command: "GC", conf: collected }));
    await assertNothingLeft([place.node]);
    return { findings, tally };
  } finally {
    await lab.close();
  }
}
