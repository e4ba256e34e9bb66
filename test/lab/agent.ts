/** The node agent of one node, as a service manager runs it. */
import type { Lab } from "./lab.ts";
import type { LabNode } from "./node.ts";
import { type Outcome, run, start } from "./run.ts";

export interface Agent {
  readonly pid: number;
  /** Sends it a signal: SIGSTOP and SIGCONT pause it. */
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Ends it as a service manager does, and gives how that went. */
  readonly stop: () => Promise<Outcome>;
  readonly outcome: Promise<Outcome>;
  /** Resolves when what it has written to its log matches. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Asks its own server: the text of "/healthz" or "/metrics"; undefined unless it is well. */
  readonly ask: (path: string) => Promise<string | undefined>;
}

export interface AgentOptions {
  /** What to wait for: by default, that it says it is well. */
  readonly until?: "well" | "started";
}

const patienceMs = 60_000;
const address = "http://127.0.0.1:9478";

export async function startAgent(
  lab: Lab,
  node: LabNode,
  { until = "well" }: AgentOptions = {},
): Promise<Agent> {
  const command = node.operatorCommand("agent", "run");
  const argv = ["setpriv", "--pdeathsig", "KILL", ...command.argv];
  const running = start({ ...command, argv, limitMs: 3_600_000 });
  const ask = async (path: string) => {
    const curl = ["curl", "--silent", "--fail", "--max-time", "2", `${address}${path}`];
    const { status, stdout } = await run({ netns: node.netns, argv: curl });
    return status === 0 ? stdout : undefined;
  };
  const stop = async () => {
    running.kill("SIGTERM");
    return running.outcome;
  };
  lab.onClose(async () => {
    running.kill("SIGKILL");
    await running.outcome;
  });
  const ended = running.outcome.then((outcome) => {
    throw new Error(`The agent of ${node.name} ended: ${outcome.stderr.trim()}`);
  });
  ended.catch(() => {});
  if (until === "well") await Promise.race([ended, isWell(node, ask)]);
  const { pid, kill, outcome, says } = running;
  return { pid, kill, stop, outcome, says, ask };
}

async function isWell(node: LabNode, ask: Agent["ask"]): Promise<void> {
  const until = performance.now() + patienceMs;
  while ((await ask("/healthz")) === undefined) {
    if (performance.now() > until) throw new Error(`The agent of ${node.name} is not well`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
