/** Base32 in lower case without padding (RFC 4648, section 6): nothing in it is taken for another. */

const letters = "abcdefghijklmnopqrstuvwxyz234567";

export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += letters[(held >>> (bits - 5)) & 31];
    held &= 31;
  }
  return bits === 0 ? text : text + letters[(held << (5 - bits)) & 31];
}

/** So many characters of chance, five bits each. */
export const randomText = (length: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte & 31]).join("");
