/** The node agent, in this process: real sockets, a real server, and the signals that end it. */
import { compileHotCode } from "#jit";
import { runAgent } from "../lib/agent/agent.ts";
import type { World } from "../lib/attach/node.ts";
import type { NodeConfig } from "../lib/node-config.ts";
import { connectEvented } from "../lib/sys/evented-stream.ts";
import { serveHttp } from "../lib/sys/http-server.ts";

/** Runs until SIGTERM or SIGINT; on SIGHUP it looks at everything at once. */
export async function runAgentHere(
  world: World,
  config: NodeConfig,
  version: string,
): Promise<void> {
  compileHotCode();
  const told = new AbortController();
  const end = () => told.abort();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
  const agentWorld = {
    ...world,
    connect: connectEvented,
    serve: serveHttp,
    wallClock: Date.now,
    onHurry: (hurry: () => void) => void process.on("SIGHUP", hurry),
    version,
  };
  await runAgent(agentWorld, config, told.signal);
}
