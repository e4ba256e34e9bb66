/** What the operator's command is handed. See main.ts for the folder's note. */
import type { World } from "../attach/node.ts";
import type { Terminal } from "./output.ts";

export interface CliWorld extends World {
  readonly terminal: Terminal;
  /** Of the package. */
  readonly version: string;
}
