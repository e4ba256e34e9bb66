/** The node agent, in this process: real sockets, a real server, and the signals that end it. */

import { existsSync } from "node:fs";
import { compileHotCode } from "#jit";
import { runAgent } from "../lib/agent/agent.ts";
import type { World } from "../lib/attach/node.ts";
import { Failure } from "../lib/errors.ts";
import { jsonLog, type Level, type Log } from "../lib/log.ts";
import type { NodeConfig } from "../lib/node-config.ts";
import { openBackgroundProcesses, proveProcess } from "../lib/sys/background-processes.ts";
import { startChild } from "../lib/sys/child.ts";
import { connectEvented } from "../lib/sys/evented-stream.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { askHttp } from "../lib/sys/http-client.ts";
import { serveHttp } from "../lib/sys/http-server.ts";
import { serveJoining } from "../lib/sys/join-server.ts";
import { openMdns } from "../lib/sys/mdns.ts";
import { notifyReady } from "../lib/sys/notify.ts";
import { logToFile } from "../lib/sys/rotating-log.ts";

export interface AgentHere {
  readonly config: NodeConfig;
  /** Of the package. */
  readonly version: string;
  /** In place of standard error. */
  readonly logFile: string | undefined;
}

/** Runs until SIGTERM or SIGINT; on SIGHUP it looks at everything at once. */
export async function runAgentHere(
  ffi: Ffi,
  world: World,
  { config, version, logFile }: AgentHere,
): Promise<void> {
  compileHotCode();
  const told = new AbortController();
  const end = () => told.abort();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
  const agentWorld = {
    ...world,
    ...(logFile !== undefined && { log: logIn(logToFile(ffi, logFile)) }),
    connect: connectEvented,
    serve: serveHttp,
    serveJoining,
    openMdns,
    askHttp,
    wallClock: Date.now,
    onHurry: (hurry: () => void) => void process.on("SIGHUP", hurry),
    processes: openBackgroundProcesses(ffi),
    startChild,
    isThere: existsSync,
    self: () => {
      const self = proveProcess(ffi, process.pid);
      if (self !== undefined) return self;
      throw new Failure("io", "Cannot tell which process this is: /proc is not mounted");
    },
    ready: () => notifyReady(ffi, world.env.NOTIFY_SOCKET),
    version,
  };
  await runAgent(agentWorld, config, told.signal);
}

const logIn =
  (write: (text: string) => void) =>
  (least: Level): Log =>
    jsonLog(write, Date.now, least);
