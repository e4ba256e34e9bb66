/**
 * Cookies say which part of the state a flow belongs to, so that a part is replaced or removed
 * without knowing its flows: 16 bits "SP", 8 bits part, 40 bits which one.
 */
import type { CookieFilter } from "../ovs/switch.ts";

const ours = 0x5350_0000_0000_0000n;
const parts = { base: 0n, network: 1n, peers: 2n, attachment: 3n } as const;
const exactly = 0xffff_ffff_ffff_ffffn;

const cookie = (part: keyof typeof parts, which: number) =>
  ours | (parts[part] << 40n) | BigInt(which);

/** The flows that are there whatever the networks are. */
export const baseCookie: bigint = ours;

/**
 * The flows of one network: its VNI, and 16 bits of what they were made from, so that counting
 * them under it tells whether they are those that should be there.
 */
export const networkCookie = (vni: number, fingerprint: number): bigint =>
  cookie("network", vni * 2 ** 16 + (fingerprint & 0xffff));

/** Selects the flows of a network, whatever they were made from; its peers' are not among them. */
export const ofNetwork = (vni: number): CookieFilter => ({
  cookie: networkCookie(vni, 0),
  mask: exactly ^ 0xffffn,
});

/** The flows of the leases that peers have in a network, by its VNI. */
export const peersCookie = (vni: number): bigint => cookie("peers", vni);

/** The flows of one attachment, by its port number, which is unique on the node. */
export const attachmentCookie = (ofport: number): bigint => cookie("attachment", ofport);

/** The part of the state that a flow of this cookie belongs to; undefined for a flow of others. */
export function partOf(
  cookie: bigint,
):
  | { readonly part: "base" }
  | { readonly part: "network" | "peers"; readonly vni: number }
  | { readonly part: "attachment"; readonly ofport: number }
  | undefined {
  if (cookie >> 48n !== ours >> 48n) return undefined;
  const which = Number(cookie & 0xff_ffff_ffffn);
  switch ((cookie >> 40n) & 0xffn) {
    case parts.base:
      return { part: "base" };
    case parts.network:
      return { part: "network", vni: Math.floor(which / 2 ** 16) };
    case parts.peers:
      return { part: "peers", vni: which };
    case parts.attachment:
      return { part: "attachment", ofport: which };
    default:
      return undefined;
  }
}

/** Selects one cookie. */
export const only = (value: bigint): CookieFilter => ({ cookie: value, mask: exactly });

/** Selects every flow of ours. */
export const everyFlow: CookieFilter = { cookie: ours, mask: 0xffff_0000_0000_0000n };

/** Selects every flow, whoever put it in. */
export const anybodysFlow: CookieFilter = { cookie: 0n, mask: 0n };

export const isOurs = ({ cookie }: { readonly cookie: bigint }): boolean =>
  (cookie & everyFlow.mask) === everyFlow.cookie;
