/** What is judged of the other nodes. See doctor.ts for the folder's note. */
import type { Check } from "./check.ts";

export const peerChecks: readonly Check[] = [];
