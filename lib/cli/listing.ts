/** What a list is made from, once or again and again. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import type { Keys } from "../store/keys.ts";
import type { Shown } from "./output.ts";

export interface Listing {
  readonly read: (host: Host, deadline: Deadline) => Promise<Listed>;
  /** The fields that tell one record from another. */
  readonly names: readonly string[];
  /** What the keys begin with that it is read from. */
  readonly watches: (keys: Keys) => readonly string[];
}

export interface Listed {
  readonly records: readonly Shown[];
  /** A table's. */
  readonly columns: readonly string[];
}
