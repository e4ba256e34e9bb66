/** What doctor is handed. See doctor.ts for the folder's note. */
import type { World } from "../attach/node.ts";

export interface DoctorWorld extends World {
  /** --config. */
  readonly chosen: string | undefined;
  /** The user this runs as, by number. */
  readonly user: number;
}
