/** What the agent says of itself, asked for: whether it is well. See main.ts for the folder's note. */
import { deadlineIn } from "../deadline.ts";
import { isObject, parseJson } from "../json.ts";
import type { NodeConfig } from "../node-config.ts";
import type { CliWorld } from "./world.ts";

export interface SaidHealth {
  readonly isWell: boolean;
  /** "ok", or what is not, and what should be known. */
  readonly words: string;
}

/** Milliseconds: what a start takes at most where all is well, by far; between two looks. */
const patienceMs = { well: 10_000, look: 50 } as const;

type Asking = Pick<CliWorld, "askAgent" | "clock" | "pause">;

export const askHealth = async (
  { askAgent }: Pick<Asking, "askAgent">,
  config: NodeConfig,
): Promise<SaidHealth> => readHealth(await askAgent(config, "/healthz"));

/** Asks until it is well, up to 10 seconds, or until `isThere` says that it is gone. */
export async function awaitHealth(
  world: Asking,
  config: NodeConfig,
  isThere: () => Promise<boolean>,
): Promise<SaidHealth> {
  const end = deadlineIn(world.clock, patienceMs.well);
  for (;;) {
    const health = await askHealth(world, config);
    if (health.isWell || end.left() === 0 || !(await isThere())) return health;
    await world.pause(patienceMs.look);
  }
}

/** Of /healthz, whose status is "ok" also where there are remarks. */
export function readHealth(said: string | undefined): SaidHealth {
  const json = said === undefined ? undefined : parseJson(said);
  if (!isObject(json)) return { isWell: false, words: "it does not answer" };
  const { status, ...more } = json;
  const told = Object.entries(more).map(([what, state]) => `${what}: ${state}`);
  const words = told.length === 0 ? String(status) : told.join("; ");
  return { isWell: status === "ok", words };
}
