/** What the agent is handed, and this node as each of its deeds opens it. See agent.ts. */
import type { Host } from "../attach/host.ts";
import { closeNode, openNode, type World } from "../attach/node.ts";
import type { JoinDrivers } from "../cluster/drivers.ts";
import type { Registry } from "../ipam/networks.ts";
import type { NodeConfig } from "../node-config.ts";
import type { BackgroundProcesses, ProvenProcess, StartChild } from "../sys/background.ts";
import type { EventedStream } from "../sys/evented-stream.ts";
import type { HttpAnswer, HttpServer, Listen } from "../sys/http-server.ts";
import type { JoinServer, JoinServerOptions } from "../sys/join-server.ts";
import { pause } from "./pause.ts";

export interface AgentWorld extends World, JoinDrivers {
  readonly connect: (path: string, signal: AbortSignal) => Promise<EventedStream>;
  readonly serve: (listen: Listen, answer: (path: string) => HttpAnswer) => Promise<HttpServer>;
  readonly serveJoining: (options: JoinServerOptions) => Promise<JoinServer>;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  /** Calls when somebody wants everything to be looked at now (SIGHUP). */
  readonly onHurry: (hurry: () => void) => void;
  readonly processes: BackgroundProcesses;
  readonly startChild: StartChild;
  /** Whether there is a file, or a folder. */
  readonly isThere: (path: string) => boolean;
  /** Which process this is. */
  readonly self: () => ProvenProcess;
  /** Tells who started it that it does its work from now on. */
  readonly ready: () => void;
  /** Of the package. */
  readonly version: string;
}

/** This node, opened anew for each deed. */
export interface ThisNode {
  readonly config: NodeConfig;
  /** One connection for all. */
  readonly registry: Registry;
  /**
   * Runs a deed with a run directory and connections of its own: between two deeds, the directory
   * may have been removed and the switch been restarted.
   */
  readonly use: <T>(deed: (host: Host) => T | Promise<T>) => Promise<T>;
}

/** Throws what the store throws that can't be opened. */
export async function openThisNode(
  world: AgentWorld,
  config: NodeConfig,
  signal: AbortSignal,
): Promise<ThisNode> {
  const first = openNode(world, config);
  const opened = await first.ipam.registry().finally(() => closeNode(first));
  const registry = { ...opened, sleep: (ms: number) => pause(ms, signal) };
  return {
    config,
    registry,
    use: async (deed) => {
      const host = openNode(world, config);
      const { ipam } = host;
      const node = () => ({ ...ipam.node(), version: world.version });
      try {
        return await deed({ ...host, ipam: { ...ipam, node, registry: async () => registry } });
      } finally {
        closeNode(host);
      }
    },
  };
}
