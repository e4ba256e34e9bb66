/** Tokens in the store: each is taken once, and goes by etcd's clock, not by a machine's. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import { isObject, parseJson } from "../json.ts";
import type { Compare, Entry, Write } from "../store/store.ts";
import { formatToken, hashOfSecret, isTokenId, newToken, type Token } from "../trust/token.ts";

/** How long a token is good for, unless it is said. */
export const tokenSeconds = 24 * 3_600;

export interface StoredToken {
  readonly id: string;
  /** When it was made and when it goes, by the maker's clock: for people. */
  readonly made: Date;
  readonly until: Date;
}

/** Writes a new token; gives the text to join with. `authority`: see hashOfAuthority. */
export async function createToken(
  { store, keys }: Registry,
  wanted: { readonly authority: string; readonly now: Date; readonly seconds?: number },
  deadline: Deadline,
): Promise<string> {
  const { authority, now, seconds = tokenSeconds } = wanted;
  const token = newToken(authority);
  const value = JSON.stringify({
    hash: await hashOfSecret(token),
    made: now.toISOString(),
    until: new Date(now.getTime() + seconds * 1_000).toISOString(),
  });
  const outcome = await store.createFor(keys.token(token.id), value, seconds, deadline);
  if (outcome === "created") return formatToken(token);
  throw new Failure("try-again", "Cannot make a token: another one has its id by chance");
}

/** Those that can be joined with, the oldest first. */
export async function listTokens(
  { store, keys }: Registry,
  deadline: Deadline,
): Promise<readonly StoredToken[]> {
  const { entries } = await store.range(keys.tokens, deadline);
  return entries
    .map((entry) => recordOf(entry, entry.key.slice(keys.tokens.length)))
    .filter((record) => record !== undefined)
    .map(({ id, made, until }) => ({ id, made, until }))
    .sort((a, b) => a.made.getTime() - b.made.getTime());
}

/** "absent": there is no such token, or no more. */
export async function deleteToken(
  { store, keys }: Registry,
  id: string,
  deadline: Deadline,
): Promise<"deleted" | "absent"> {
  const key = keys.token(id);
  if ((await store.get(key, deadline)) === undefined) return "absent";
  await store.commit({ compares: [], writes: [{ remove: key }] }, deadline);
  return "deleted";
}

/** What takes a token, for the transaction that takes it; undefined where it is none, or wrong. */
export async function takeToken(
  { store, keys }: Registry,
  token: Pick<Token, "id" | "secret">,
  deadline: Deadline,
): Promise<{ readonly compare: Compare; readonly write: Write } | undefined> {
  if (!isTokenId(token.id)) return undefined;
  const key = keys.token(token.id);
  const entry = await store.get(key, deadline);
  const record = entry && recordOf(entry, token.id);
  // Hashes are compared, so that how long it takes tells nothing of the secret.
  if (entry === undefined || record?.hash !== (await hashOfSecret(token))) return undefined;
  return { compare: { key, modRevision: entry.modRevision }, write: { remove: key } };
}

function recordOf({ value }: Entry, id: string): (StoredToken & { hash: string }) | undefined {
  const json = parseJson(value);
  if (!isTokenId(id) || !isObject(json)) return undefined;
  const { hash, made, until } = json;
  if (typeof hash !== "string" || typeof made !== "string" || typeof until !== "string") {
    return undefined;
  }
  const dates = { made: new Date(made), until: new Date(until) };
  return Number.isNaN(dates.made.getTime() + dates.until.getTime())
    ? undefined
    : { id, hash, ...dates };
}
