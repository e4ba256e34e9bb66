/** What doctor has seen, as plain data. See doctor.ts for the folder's note. */
import type { PeerFacts } from "./probe-facts.ts";

/** What was looked at, or why it could not be. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

/** Of this machine alone. */
export interface LocalFacts {
  /** The user this runs as, by number: 0 is root. */
  readonly user: number;
}

export interface Facts extends LocalFacts {
  readonly peers: Known<readonly PeerFacts[]>;
}
