/**
 * OpenFlow's extensible match fields (OXM), to and from a `Match`.
 * Sources: ONF TS-025, 7.2.3; ovs-fields(7) for the registers and tunnel addresses (NXM).
 */
import type { Reader, Width, Writer } from "./bytes.ts";
import type { Masked, Match } from "./flow.ts";

export interface Field {
  /** Class and number, as in a header without mask bit and length. */
  readonly id: number;
  /** Bytes. */
  readonly width: Width;
}

export type Uint = number | bigint;

const basic = (number: number, width: Width): Field => ({
  id: 0x8000_0000 + (number << 9),
  width,
});
const nicira = (number: number, width: Width): Field => ({ id: 0x1_0000 + (number << 9), width });

/** In an order in which a field comes after its prerequisites: the switch insists. */
export const fields = {
  inPort: basic(0, 4),
  reg0: nicira(0, 4),
  reg1: nicira(1, 4),
  tunnelId: basic(38, 8),
  tunnelSrc: nicira(31, 4),
  tunnelSrc6: nicira(109, 16),
  vlan: basic(6, 2),
  ethSrc: basic(4, 6),
  ethDst: basic(3, 6),
  ethType: basic(5, 2),
  ipProto: basic(10, 1),
  ipSrc: basic(11, 4),
  ipDst: basic(12, 4),
  arpOp: basic(21, 2),
  arpSpa: basic(22, 4),
  arpTpa: basic(23, 4),
  arpSha: basic(24, 6),
  ip6Src: basic(26, 16),
  ip6Dst: basic(27, 16),
  icmp6Type: basic(29, 1),
  ndTarget: basic(31, 16),
  ndSll: basic(32, 6),
  ndTll: basic(33, 6),
} as const satisfies Record<keyof Match, Field>;

/** Fields that only actions write. */
export const tunnelDst = nicira(32, 4);
export const tunnelDst6 = nicira(110, 16);

const ethTypes = { ip: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** OFPVID_NONE. */
const noVlan = 0;

const names = Object.keys(fields) as readonly (keyof Match)[];

/** Writes an ofp_match. */
export function writeMatch(to: Writer, match: Match): void {
  const start = to.size();
  to.uint(1, 2);
  to.uint(0, 2);
  for (const name of names) {
    const value = match[name];
    if (value === undefined) continue;
    const { exact, mask } = unmask(numberOf(value), fields[name]);
    if (mask === "none") continue;
    writeField(to, fields[name], exact, mask === "all" ? undefined : mask);
  }
  to.setUint16(start + 2, to.size() - start);
  to.padFrom(start);
}

/** Writes one field, as in a match or a set_field. */
export function writeField(to: Writer, field: Field, value: Uint, mask?: Uint): void {
  writeHeader(to, field, mask !== undefined);
  to.uint(value, field.width);
  if (mask !== undefined) to.uint(mask, field.width);
}

/** Writes a field's header alone, as copy_field names it. */
export function writeHeader(to: Writer, { id, width }: Field, masked = false): void {
  to.uint(masked ? id + 0x100 + 2 * width : id + width, 4);
}

/** A masked value taken apart; a mask of all ones is no mask, one of zeros no match. */
export function unmask<T extends Uint>(
  value: Masked<T>,
  { width }: Field,
): { readonly exact: T; readonly mask: T | "all" | "none" } {
  if (typeof value !== "object") return { exact: value, mask: "all" };
  const { value: exact, mask } = value;
  if (Number(mask) === 0) return { exact, mask: "none" };
  const all = typeof mask === "number" ? 2 ** (8 * width) - 1 : (1n << BigInt(8 * width)) - 1n;
  return { exact, mask: mask === all ? "all" : mask };
}

function numberOf(value: Match[keyof Match] & {}): Masked<Uint> {
  if (value === "none") return noVlan;
  return typeof value === "string" ? ethTypes[value] : value;
}

/** One field as it was read. */
export interface FieldValue {
  readonly id: number;
  /** Bytes of the value. */
  readonly width: number;
  readonly value: bigint;
  readonly mask: bigint | undefined;
}

export function readField(from: Reader): FieldValue {
  const header = from.uint(4);
  const masked = (header & 0x100) !== 0;
  const length = header & 0xff;
  const width = masked ? Math.floor(length / 2) : length;
  const value = from.bigUint(width);
  const mask = masked ? from.bigUint(length - width) : undefined;
  return { id: header - (header & 0x1ff), width, value, mask };
}

/** Reads an ofp_match with its padding. Fields that `Match` doesn't have are told as text. */
export function readMatch(from: Reader): { match: Match; foreign: readonly string[] } {
  const match: Record<string, unknown> = {};
  const foreign: string[] = [];
  from.skip(2);
  const length = from.uint(2);
  from.within(Math.max(0, length - 4), () => {
    while (from.left() > 0) {
      for (const found of registersOf(readField(from))) {
        const name = nameOf(found.id);
        const value = name === undefined ? undefined : typedOf(name, found);
        if (name === undefined || value === undefined) foreign.push(`match ${describe(found)}`);
        else match[name] = value;
      }
    }
  });
  from.skip((8 - (length % 8)) % 8);
  return { match, foreign };
}

/** By id; made when first used, which no ADD does. */
const namesById = new Map<number, keyof Match>();

function nameOf(id: number): keyof Match | undefined {
  if (namesById.size === 0) for (const name of names) namesById.set(fields[name].id, name);
  return namesById.get(id);
}

/** OXM class "packet registers": what was sent as two registers of 32 bits comes back as one of 64. */
const packetRegister0 = 0x8001_0000;

function registersOf(found: FieldValue): readonly FieldValue[] {
  if (found.id !== packetRegister0 || found.width !== 8) return [found];
  return [halfOf(found, fields.reg0, 32n), halfOf(found, fields.reg1, 0n)].filter(
    (half) => half !== undefined,
  );
}

function halfOf({ value, mask }: FieldValue, field: Field, shift: bigint): FieldValue | undefined {
  const { id, width } = field;
  const ones = 0xffff_ffffn;
  const halfMask = mask === undefined ? ones : (mask >> shift) & ones;
  if (halfMask === 0n) return undefined;
  const half = (value >> shift) & ones;
  return { id, width, value: half, mask: halfMask === ones ? undefined : halfMask };
}

/** undefined for what the typed match can't say: another EtherType, a VLAN, a masked number. */
function typedOf(name: keyof Match, { value, width, mask }: FieldValue): unknown {
  if (width !== fields[name].width) return undefined;
  if (name === "vlan") return Number(value) === noVlan && mask === undefined ? "none" : undefined;
  if (name === "ethType")
    return (["ip", "arp", "ipv6"] as const).find((one) => ethTypes[one] === Number(value));
  const typed = (number: bigint) => (width > 8 ? number : Number(number));
  if (mask === undefined) return typed(value);
  return maskable.includes(name) ? { value: typed(value), mask: typed(mask) } : undefined;
}

const maskable: readonly (keyof Match)[] = [
  "ethSrc",
  "ethDst",
  "ipSrc",
  "ipDst",
  "arpSpa",
  "arpTpa",
  "arpSha",
  "ip6Src",
  "ip6Dst",
  "ndTarget",
];

/** A field that has no name here, for people. */
export function describe({ id, value, mask }: FieldValue): string {
  const number = `0x${(id >>> 16).toString(16)}/${(id >>> 9) & 0x7f}`;
  return `${number}=0x${value.toString(16)}${mask === undefined ? "" : `/0x${mask.toString(16)}`}`;
}
