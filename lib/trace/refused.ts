/** What is no packet's way between two parties, and is refused before anything is asked: pure. */
import { Failure } from "../errors.ts";
import { last4 } from "../net/prefix.ts";
import type { Facts } from "./facts.ts";
import { textOf } from "./packet-text.ts";
import { cannot, type TraceQuestion } from "./start.ts";
import type { Address } from "./way.ts";

/** Throws Failure "usage" for addresses of both families, "unknown-container" for such a destination. */
export function refuseWrong(facts: Facts, question: TraceQuestion): void {
  const { from, to, spoofed } = question;
  const typed = [from, to].map((one) => (one.is === "address" ? one.address.family : one.family));
  const families = new Set([...typed, spoofed.address?.family]);
  if (families.has(4) && families.has(6)) {
    throw new Failure("usage", "Cannot trace from IPv4 to IPv6: a packet is of one of them", {
      details: "Give all addresses of one family, or names.",
    });
  }
  const why = to.is === "address" ? whyNot(facts, to.address) : undefined;
  if (why !== undefined) throw cannot(question, why);
}

/** Sources: RFC 6890; RFC 4291, 2.4. */
function whyNot({ networks }: Facts, to: Address): string | undefined {
  const text = textOf(to);
  const itself = `${text} is everybody's own: it reaches the sender itself, by no switch`;
  const nobody = `${text} is nobody's address, and no destination`;
  const many = "broadcast and multicast reach nobody";
  if (to.family === 4) {
    const first = Math.floor(to.address / 2 ** 24);
    if (first === 0) return nobody;
    if (first === 127) return itself;
    const isBroadcast = networks.some(({ subnet }) => last4(subnet) === to.address);
    return first >= 0xe0 || isBroadcast ? many : undefined;
  }
  if (to.address === 0n) return nobody;
  if (to.address === 1n) return itself;
  if (to.address >> 120n === 0xffn) return many;
  if (to.address >> 118n !== 0x3fan) return undefined;
  return `${text} is link-local, and its way is not traced: name the other side by its address in a network`;
}
