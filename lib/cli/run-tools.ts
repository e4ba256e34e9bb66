/** What runs need, for the node that the command line means. See main.ts for the folder's note. */
import type { RunTools } from "../run/world.ts";
import type { Common } from "./command.ts";
import type { CliWorld } from "./world.ts";

export const toolsOf = (
  { processes, programs, plugin }: CliWorld,
  { config }: Common,
): RunTools => ({ processes, programs, plugin: plugin(config) });
