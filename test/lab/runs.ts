/** Commands that `socketplane run` has started on a node, for tests and their checks. */
import { readdirSync, readlinkSync } from "node:fs";
import type { LabNode } from "./node.ts";
import { until } from "./until.ts";

/** As `socketplane ps` has it. */
export interface ShownRun {
  readonly name: string;
  readonly state: string;
  readonly network: string;
  readonly address?: string;
  readonly pid?: number;
  readonly exitStatus?: number;
}

/** Types a command that must succeed, and gives its answer as JSON, or else as text. */
export async function typed(node: LabNode, ...args: readonly string[]): Promise<unknown> {
  const { status, stdout, stderr, json } = await node.socketplane(...args);
  if (status !== 0) throw new Error(`${args.join(" ")}: ${status} ${stderr}`);
  return json ?? stdout;
}

export const listed = async (node: LabNode, ...more: readonly string[]) =>
  (await typed(node, "ps", "-o", "json", ...more)) as readonly ShownRun[];

/** Starts one in the background, and counts it among the node's containers. */
export async function inBackground(node: LabNode, ...args: readonly string[]): Promise<ShownRun> {
  const name = String(await typed(node, "run", "-d", ...args)).trim();
  const run = (await listed(node)).find((one) => one.name === name);
  if (run?.pid === undefined) throw new Error(`${name} does not run`);
  adopt(node, run);
  return run;
}

/** Counts a run among the node's containers, as long as its process is there. */
export function adopt(node: LabNode, { name, pid }: ShownRun): void {
  const path = `/proc/${pid}/ns/net`;
  node.adopt({ id: name, netns: path, path, remove: () => {} });
}

/** Of a process; undefined if it is gone. */
export function netnsOf(pid: number | string | undefined): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Returns when no process is in a namespace any more. */
export async function deserted(netns: string): Promise<void> {
  const inThere = () =>
    readdirSync("/proc").filter((name) => /^\d+$/.test(name) && netnsOf(name) === netns);
  await until(`the end of ${netns}`, () => inThere().length === 0);
}
