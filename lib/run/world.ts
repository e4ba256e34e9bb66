/** What runs need of the world beside the node. See supervise.ts for the folder's note. */
import type { AddRequest, DelRequest } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import type { ProcessTable, Programs } from "../sys/processes.ts";

/** The interface plugin, in this process. */
export interface Plugin {
  readonly add: (request: AddRequest) => Promise<Result>;
  readonly del: (request: DelRequest) => Promise<void>;
}

export interface RunWorld {
  readonly processes: ProcessTable;
  readonly programs: Programs;
  /** For the node of this node.json; without one, as node.json is found. */
  readonly plugin: (nodeConfig: string | undefined) => Plugin;
}

/** A node's. */
export interface RunTools {
  readonly processes: ProcessTable;
  readonly programs: Programs;
  readonly plugin: Plugin;
}
