/**
 * Ends a command with SIGKILL at a moment of our choice, without a fault point in it: strace lists
 * the system calls by which it changes the world, and kills it where it is about to make one.
 *
 * Between two of them nothing changes but the command itself, and what is its own (locks, sockets,
 * the namespace it is in) goes with it; so to be killed before each is to be killed at every
 * moment.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CniCall, CniOutcome, LabNode } from "./node.ts";

/** The calls that change files, links and the switch; and wait4: a child that does is under way. */
const calls = [
  ...["ioctl", "linkat", "mkdirat", "openat", "renameat2", "sendto", "unlinkat", "wait4"],
  "write",
];

/** A system call that changed something. */
export interface Deed {
  /** As strace shows it. */
  readonly shown: string;
  readonly call: string;
  /** Which of the calls of that name, from 1. */
  readonly nth: number;
}

/** Runs a command to its end and gives its deeds, in their order. */
export async function deedsOf(node: LabNode, call: CniCall) {
  const under = (log: string) => ["strace", "-o", log, "-e", `trace=${calls.join(",")}`];
  const run = await runLogged(node, call, under);
  return { ...run, deeds: parseDeeds(run.log) };
}

/** Runs a command under strace, which writes the log that it is given. */
export async function runLogged(
  node: LabNode,
  call: CniCall,
  strace: (log: string) => readonly string[],
): Promise<{ readonly outcome: CniOutcome; readonly log: string }> {
  const folder = mkdtempSync(join(tmpdir(), "sp-deeds-"));
  try {
    const log = join(folder, "log");
    const outcome = await node.cni({ ...call, under: strace(log) });
    return { outcome, log: readFileSync(log, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What to run a command under so that it dies before it does `deed`; `log` is strace's own file. */
export const dyingBefore = (deed: Deed, log?: string): readonly string[] =>
  striking(deed, "signal=KILL", log);

/** What to run a command under so that `deed` fails with ENOSPC, and it goes on as it sees fit. */
export const failingAt = (deed: Deed, log?: string): readonly string[] =>
  striking(deed, "error=ENOSPC", log);

const striking = ({ call, nth }: Deed, fault: string, log = "/dev/null") => [
  ...["strace", "-o", log],
  ...["-e", `trace=${call}`, "-e", `inject=${call}:${fault}:when=${nth}`],
];

/** Reads strace's lines. What failed changed nothing, nor did what only looked. */
export function parseDeeds(log: string): readonly Deed[] {
  const counts = new Map<string, number>();
  return log.split("\n").flatMap((shown): Deed[] => {
    const [, call = "", result = ""] = /^(\w+)\(.* = (-?\d+)/.exec(shown) ?? [];
    if (!calls.includes(call)) return [];
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    return Number(result) < 0 || looksOnly(call, nth, shown) ? [] : [{ shown, call, nth }];
  });
}

function looksOnly(call: string, nth: number, shown: string): boolean {
  switch (call) {
    case "openat":
      return !shown.includes("O_CREAT");
    case "ioctl":
      return !shown.includes("SIOCETHTOOL");
    case "wait4":
      return nth > 1;
    case "sendto":
      // A netlink message that changes something asks to be acknowledged, or is a batch.
      return /^sendto\(\d+, \[+\{nlmsg/.test(shown) && !/NLM_F_ACK|BATCH_BEGIN/.test(shown);
    default:
      return false;
  }
}
