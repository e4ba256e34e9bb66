/**
 * Measures a cluster on this machine: nodes with an Open vSwitch each, a real etcd, real agents.
 *
 * What is compared with something else is compared in turn, in one run. What is a time by itself
 * says with its goal on what machine it is meant: this one may be slower, and is noisy.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Lab } from "../lab/lab.ts";
import { openLab } from "../lab/lab.ts";
import { measureAdds } from "./adds.ts";
import { measureChanges } from "./change.ts";
import {
  addFindings,
  changeFindings,
  type Finding,
  scaleFindings,
  tcpFindings,
} from "./findings.ts";
import { formatFindings } from "./report.ts";
import { measureScale } from "./scale.ts";
import { measureTcp } from "./tcp.ts";

/** Each in a lab of its own: nothing of one part runs on in another. */
const parts: Readonly<Record<string, (lab: Lab, rounds: number) => Promise<readonly Finding[]>>> = {
  tcp: async (lab, rounds) => tcpFindings(await measureTcp(lab, rounds)),
  change: async (lab, rounds) =>
    changeFindings(await measureChanges(lab, { nodes: 3, changes: 2 * rounds })),
  scale: async (lab, rounds) =>
    scaleFindings(
      await measureScale(lab, { nodes: 1_000, rounds: Math.max(5, Math.ceil(rounds / 4)) }),
    ),
  add: async (lab, rounds) => addFindings(await measureAdds(lab, rounds)),
};
const names = Object.keys(parts);

const usage = `usage: npm run bench -- --cluster [--rounds N] [--only ${names.join("|")}] [--json FILE]    (N: 5 or more)`;
const { rounds, chosen, json } = readArguments();

function readArguments() {
  const text = { type: "string" } as const;
  const rounds = { ...text, default: "40" };
  const only = { ...text, multiple: true, default: names } as const;
  const options = { cluster: { type: "boolean" }, rounds, only, json: text } as const;
  try {
    const { values } = parseArgs({ options });
    const count = Number(values.rounds);
    const chosen = names.filter((name) => values.only.includes(name));
    if (Number.isInteger(count) && count >= 5 && values.only.every((name) => name in parts)) {
      return { rounds: count, chosen, json: values.json };
    }
  } catch {
    // What is wrong with it is to be seen.
  }
  console.error(usage);
  process.exit(2);
}

const findings: Finding[] = [];
for (const name of chosen) {
  const lab = openLab();
  const interrupted = () => void lab.close().finally(() => process.exit(130));
  process.on("SIGINT", interrupted);
  try {
    console.error(`measuring: ${name}`);
    findings.push(...((await parts[name]?.(lab, rounds)) ?? []));
  } finally {
    await lab.close();
    process.off("SIGINT", interrupted);
  }
}
if (json !== undefined) writeFileSync(json, JSON.stringify(findings));
console.log(formatFindings(findings));
