/** What the agent knows, and up to where it has done something about it. */
import type { Host } from "../attach/host.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { type Cluster, unknownCluster } from "./model.ts";
import type { Probed } from "./neighbours.ts";

/** What every task has at hand. */
export interface Here {
  readonly host: Host;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly situation: Situation;
  readonly signal: AbortSignal;
}

export interface Situation {
  /** As the store said last; undefined until it was read. */
  cluster: Cluster | undefined;
  /** What the run directory and the switch were last brought up to. */
  applied: Cluster;
  /** Whether the store is to be asked of every network here, rather than trusting the watches. */
  ask: boolean;
  /** When it was last certain that every change was seen, milliseconds since boot. */
  seenAt: number;
  /** When the oldest change came that nothing was done about yet. */
  changedAt: number | undefined;
  /** What this process has written to the mirror, by key. */
  readonly mirrored: Map<string, string>;
  /** How often something was heard of the store, up to when that was brought in, and was certain. */
  heard: number;
  heardApplied: number;
  heardSeen: number;
  /** The chain of somebody else's that drops what is forwarded, said of it in the log. */
  foreignDrop: string | undefined;
  /** Why networks could not be joined, as it was said last. */
  readonly notJoined: Map<string, string>;
  readonly probed: Probed;
}

export const openSituation = (): Situation => ({
  cluster: undefined,
  applied: unknownCluster,
  ask: true,
  seenAt: 0,
  changedAt: undefined,
  mirrored: new Map(),
  heard: 0,
  heardApplied: 0,
  heardSeen: 0,
  foreignDrop: undefined,
  notJoined: new Map(),
  probed: new Map(),
});
