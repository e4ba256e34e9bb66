/** Tokens in the store: each is taken once, and goes by etcd's clock, not by a machine's. */
import type { Deadline } from "../deadline.ts";
import type { Registry } from "../ipam/networks.ts";

export const tokenSeconds = 24 * 3_600;

export interface StoredToken {
  readonly id: string;
  /** When it was made and when it goes, by the maker's clock: for people. */
  readonly made: Date;
  readonly until: Date;
}

/** Writes a new token; gives the text to join with. `authority`: see hashOfAuthority. */
export declare function createToken(
  registry: Registry,
  token: { readonly authority: string; readonly now: Date; readonly seconds?: number },
  deadline: Deadline,
): Promise<string>;

export declare function listTokens(
  registry: Registry,
  deadline: Deadline,
): Promise<readonly StoredToken[]>;

/** "absent": there is no such token, or no more. */
export declare function deleteToken(
  registry: Registry,
  id: string,
  deadline: Deadline,
): Promise<"deleted" | "absent">;
