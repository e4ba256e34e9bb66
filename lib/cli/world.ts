/** What the operator's command is handed. See main.ts for the folder's note. */
import type { World } from "../attach/node.ts";
import type { NodeConfig } from "../node-config.ts";
import type { Terminal } from "./output.ts";

export interface CliWorld extends World {
  readonly terminal: Terminal;
  /** Runs the node agent until it is told to end. */
  readonly runAgent: (config: NodeConfig) => Promise<void>;
  /** Of the package. */
  readonly version: string;
}
