/** Which subnet a network gets that asks for none: pure. */
import { Failure } from "../errors.ts";
import { type Ip4, parseIp4 } from "../net/ip4.ts";
import { overlaps4, type Prefix4 } from "../net/prefix.ts";

const at = (text: string): number => parseIp4(text) ?? 0;

/** Private space (RFC 1918), the largest first: 10.1.0.0/16, 10.2.0.0/16, ... */
function* candidates(): Generator<Prefix4> {
  const from = function* (first: string, count: number, length: number): Generator<Prefix4> {
    for (let index = 0; index < count; index += 1) {
      yield { base: (at(first) + index * 2 ** (32 - length)) as Ip4, length };
    }
  };
  yield* from("10.1.0.0", 254, 16);
  yield* from("172.16.0.0", 16, 16);
  yield* from("192.168.0.0", 256, 24);
}

/** The first candidate that overlaps nothing of what is `taken`: networks and the host's routes. */
export function chooseSubnet(taken: readonly Prefix4[]): Prefix4 {
  for (const candidate of candidates()) {
    if (!taken.some((prefix) => overlaps4(prefix, candidate))) return candidate;
  }
  throw new Failure(
    "network-conflict",
    "Cannot choose a subnet: all private ones overlap networks or routes of this machine",
    { details: "Give one." },
  );
}
