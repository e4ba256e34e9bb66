/**
 * A token to join with, in one text that people paste: "<id>.<secret>.<hash of the authority>".
 *
 * The id is no secret: it is the token's name in the store and in logs. The secret is never stored,
 * only its hash; and never logged.
 */
import { bytesOfText } from "../text.ts";
import { base32, randomText } from "./base32.ts";

export interface Token {
  /** 6 characters, 30 bits. */
  readonly id: string;
  /** 16 characters, 80 bits of chance. */
  readonly secret: string;
  /** See hashOfAuthority: 52 characters. */
  readonly authority: string;
}

export const newToken = (authority: string): Token => ({
  id: randomText(6),
  secret: randomText(16),
  authority,
});

export const formatToken = ({ id, secret, authority }: Token): string =>
  `${id}.${secret}.${authority}`;

/** White space about it is forgiven, nothing else; undefined for what is no token. */
export function parseToken(text: string): Token | undefined {
  const found = /^([a-z2-7]{6})\.([a-z2-7]{16})\.([a-z2-7]{52})$/.exec(text.trim());
  const [, id, secret, authority] = found ?? [];
  if (id === undefined || secret === undefined || authority === undefined) return undefined;
  return { id, secret, authority };
}

export const isTokenId = (text: string): boolean => /^[a-z2-7]{6}$/.test(text);

/** What of the secret is stored: its SHA-256, together with the id. */
export async function hashOfSecret({ id, secret }: Pick<Token, "id" | "secret">): Promise<string> {
  const bytes = bytesOfText(`${id}.${secret}`);
  return base32(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
