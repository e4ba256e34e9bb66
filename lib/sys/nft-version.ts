/** How our tables are told from others', and from those of another version. */
import { bytesOfText, concatBytes } from "../text.ts";

export const tableName = "socketplane";

/** The set of pairs of gateway links from which to which is forwarded. */
export const allowedSet = "allowed";

/** To be raised with any change of the ruleset: tables of another version are made anew. */
export const rulesetVersion = 5;

const commentType = 7;

/**
 * The version, as nft(8) keeps a comment with a set (type, length, value): kernels keep those of
 * sets since 4.5, those of tables only since 5.10.
 */
export function versionComment(): Uint8Array {
  const text = bytesOfText(`ruleset ${rulesetVersion}\0`);
  return concatBytes([Uint8Array.of(commentType, text.length), text]);
}

/** Whether `bytes` has `part` in it: a ruleset that nft(8) loaded again has more than ours. */
export function includesBytes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let start = 0; start + part.length <= bytes.length; start += 1) {
    let same = 0;
    while (same < part.length && bytes[start + same] === part[same]) same += 1;
    if (same === part.length) return true;
  }
  return false;
}
