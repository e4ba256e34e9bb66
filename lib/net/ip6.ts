/** IPv6 addresses. See ip4.ts for the folder's note. */
import { formatIp4, type Ip4, parseIp4 } from "./ip4.ts";

/** An IPv6 address as an unsigned 128-bit bigint. */
export type Ip6 = bigint & { readonly __brand: "Ip6" };

/** Text of RFC 4291 section 2.2, all three forms; no zone. */
export function parseIp6(text: string): Ip6 | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = groupsOf(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) as Ip6;
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const dotted = last && index === parts.length - 1 ? parseIp4(part) : undefined;
    if (dotted !== undefined) groups.push(dotted >>> 16, dotted & 0xffff);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** The canonical text of RFC 5952. */
export function formatIp6(address: Ip6): string {
  if (address >> 32n === 0xffffn)
    return `::ffff:${formatIp4(Number(address & 0xffffffffn) as Ip4)}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((address >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (groups[start + length] === "0") length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length === 1) return groups.join(":");
  const head = groups.slice(0, best.start).join(":");
  return `${head}::${groups.slice(best.start + best.length).join(":")}`;
}

/** Network byte order. */
export function ip6Bytes(address: Ip6): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number((address >> BigInt(120 - 8 * index)) & 0xffn),
  );
}

export function ip6OfBytes(bytes: Uint8Array): Ip6 {
  return bytes.subarray(0, 16).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) as Ip6;
}
