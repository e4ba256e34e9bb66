/** What doctor is handed. See doctor.ts for the folder's note. */
import type { World } from "../attach/node.ts";
import type { NodeConfig } from "../node-config.ts";
import type { ServiceStatus } from "../service/services.ts";
import type { Asking } from "../survey/read.ts";
import type { Places } from "../sys/places.ts";
import type { ProcessTable } from "../sys/processes.ts";
import type { Reach } from "../sys/reach.ts";

export interface DoctorWorld extends World, Asking {
  /** --config. */
  readonly chosen: string | undefined;
  /** Where the runtime looks for plugins, and for network lists. */
  readonly bin: string;
  readonly conf: string;
  /** Of this command. */
  readonly version: string;
  readonly places: Places;
  readonly processes: Pick<ProcessTable, "list" | "netnsOf">;
  readonly agentStatus: (config: NodeConfig) => Promise<ServiceStatus>;
  /** How other machines are asked. */
  readonly openReach: () => Promise<Reach>;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}
