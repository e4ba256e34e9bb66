/** What the operator's command is handed. See main.ts for the folder's note. */
import type { World } from "../attach/node.ts";
import type { ClusterDrivers } from "../cluster/world.ts";
import type { NodeConfig } from "../node-config.ts";
import type { RunWorld } from "../run/world.ts";
import type { Services } from "../service/services.ts";
import type { Places } from "../sys/places.ts";
import type { Reach } from "../sys/reach.ts";
import type { Tail } from "../sys/tail.ts";
import type { Tree } from "../sys/tree.ts";
import type { TraceDrivers } from "../trace/here.ts";
import type { Terminal } from "./output.ts";

export interface Installer {
  readonly tree: Tree;
  /** Whether this process runs an executable of ours, rather than a runtime with sources. */
  readonly isOurProgram: boolean;
  /** Whether systemd is there: on this machine it runs, in an image it is installed. */
  readonly hasSystemd: (root: string) => boolean;
  /** Has systemd read its units anew. */
  readonly reloadUnits: () => Promise<void>;
}

export interface CliWorld extends World, RunWorld {
  readonly terminal: Terminal;
  /** Runs the node agent until it is told to end; it logs to a file, or else to standard error. */
  readonly runAgent: (config: NodeConfig, logFile: string | undefined) => Promise<void>;
  /** Asks the agent of this node by HTTP: what it says, well or not; undefined if nobody answers. */
  readonly askAgent: (config: NodeConfig, path: string) => Promise<string | undefined>;
  /** Aborts when somebody ends this command (SIGINT, SIGTERM), which then has to end by itself. */
  readonly interrupted: () => AbortSignal;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** A file that grows; undefined if there is none. */
  readonly openTail: (path: string) => Promise<Tail | undefined>;
  /** What runs in the background; `chosen` is --config. */
  readonly openServices: (config: NodeConfig, chosen: string | undefined) => Promise<Services>;
  /** What `install` needs, and nothing else. */
  readonly installer: () => Promise<Installer>;
  /** Folders of programs and files, for `doctor`. */
  readonly places: () => Promise<Places>;
  /** What `trace` needs, and nothing else. */
  readonly traceDrivers: () => Promise<TraceDrivers>;
  /** What `cluster` needs, and nothing else. */
  readonly clusterDrivers: () => Promise<ClusterDrivers>;
  /** How doctor asks other machines whether they are reached. */
  readonly openReach: () => Promise<Reach>;
  /** Whether we are root, in effect. */
  readonly isRoot: boolean;
  /** Of the package. */
  readonly version: string;
  /** As "Bun 1.4.5". */
  readonly runtime: string;
  /** As "linux x64". */
  readonly platform: string;
}
