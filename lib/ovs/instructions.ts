/**
 * A flow's actions, to and from OpenFlow instructions: one apply-actions, then goto-table.
 * Source: ONF TS-025, 7.2.4 and 7.2.6.
 */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import type { Reader, Writer } from "./bytes.ts";
import { type Action, localPort, type Masked } from "./flow.ts";
import {
  describe,
  type Field,
  type FieldValue,
  fields,
  readField,
  tunnelDst,
  tunnelDst6,
  type Uint,
  unmask,
  writeField,
  writeHeader,
} from "./oxm.ts";

/** OFPP_IN_PORT: an output there goes back out of the port the frame came in by. */
const backOut = 0xffff_fff8;
/** The highest number a port of its own can have (OFPP_MAX). */
const lastPort = 0xffff_ff00;

const instruction = { gotoTable: 1, applyActions: 4 } as const;
const action = { output: 0, setField: 25, copyField: 28, meter: 29 } as const;

const copySources = { arp_tpa: fields.arpTpa, nd_target: fields.ndTarget } as const;

export function writeInstructions(to: Writer, actions: readonly Action[]): void {
  const start = to.size();
  for (const one of actions) {
    if (one.do === "goto") continue;
    if (to.size() === start) {
      to.uint(instruction.applyActions, 2);
      to.zeros(6);
    }
    writeAction(to, one);
  }
  if (to.size() > start) to.setUint16(start + 2, to.size() - start);
  for (const one of actions) {
    if (one.do !== "goto") continue;
    to.uint(instruction.gotoTable, 2);
    to.uint(8, 2);
    to.uint(one.table, 1);
    to.zeros(3);
  }
}

type Applied = Exclude<Action, { do: "goto" }>;

function writeAction(to: Writer, one: Applied): void {
  const start = to.size();
  to.zeros(4);
  to.setUint16(start, writeBody(to, one));
  to.padFrom(start);
  to.setUint16(start + 2, to.size() - start);
}

/** Writes what follows an action's length, and gives its type. */
function writeBody(to: Writer, one: Applied): number {
  switch (one.do) {
    case "output":
      return writeOutput(to, one.port);
    case "output in_port":
      return writeOutput(to, backOut);
    case "set reg0":
      return writeSet(to, fields.reg0, one.value);
    case "set reg1":
      return writeSet(to, fields.reg1, one.value);
    case "set eth_dst":
      return writeSet(to, fields.ethDst, one.mac);
    case "set eth_src":
      return writeSet(to, fields.ethSrc, one.mac);
    case "set tunnel id":
      return writeSet(to, fields.tunnelId, one.vni);
    case "set tunnel dst":
      return writeSet(to, tunnelDst, one.address);
    case "set tunnel dst6":
      return writeSet(to, tunnelDst6, one.address);
    case "meter":
      to.uint(one.id, 4);
      return action.meter;
    case "copy to eth_dst":
      // 32 bits, from bit 0 to bit 0.
      to.uint(32, 2);
      to.zeros(6);
      writeHeader(to, copySources[one.from]);
      writeHeader(to, fields.ethDst);
      return action.copyField;
  }
}

function writeOutput(to: Writer, port: number): number {
  to.uint(port, 4);
  // max_len, for the controller's port only.
  to.zeros(2);
  to.zeros(6);
  return action.output;
}

function writeSet(to: Writer, field: Field, value: Masked<Uint>): number {
  const { exact, mask } = unmask(value, field);
  writeField(to, field, exact, typeof mask === "string" ? undefined : mask);
  return action.setField;
}

/** Reads instructions to the end. What `Action` doesn't have is told as text. */
export function readInstructions(from: Reader): { actions: Action[]; foreign: readonly string[] } {
  const actions: Action[] = [];
  const foreign: string[] = [];
  while (from.left() > 0) {
    const type = from.uint(2);
    from.within(Math.max(0, from.uint(2) - 4), () => {
      if (type === instruction.gotoTable) {
        actions.push({ do: "goto", table: from.uint(1) });
      } else if (type === instruction.applyActions) {
        from.skip(4);
        while (from.left() > 0) {
          const found = readAction(from);
          if (typeof found === "string") foreign.push(found);
          else actions.push(found);
        }
      } else {
        foreign.push(`instruction ${type} ${hexOf(from)}`);
      }
    });
  }
  return { actions, foreign };
}

function readAction(from: Reader): Action | string {
  const type = from.uint(2);
  return from.within(Math.max(0, from.uint(2) - 4), () => readActionOf(type, from));
}

function readActionOf(type: number, body: Reader): Action | string {
  if (type === action.output) {
    const port = body.uint(4);
    if (port === backOut) return { do: "output in_port" };
    const plain = port <= lastPort || port === localPort;
    return plain ? { do: "output", port } : `output ${port}`;
  }
  if (type === action.setField) {
    const found = readField(body);
    return setOf(found) ?? `set_field ${describe(found)}`;
  }
  if (type === action.copyField) return readCopy(body);
  if (type === action.meter) return { do: "meter", id: body.uint(4) };
  return `action ${type} ${hexOf(body)}`;
}

function readCopy(body: Reader): Action | string {
  const bits = body.uint(2);
  const offsets = body.uint(4);
  body.skip(2);
  const from = body.uint(4);
  const to = body.uint(4);
  const plain = bits === 32 && offsets === 0 && to === fields.ethDst.id + fields.ethDst.width;
  const source = (["arp_tpa", "nd_target"] as const).find(
    (name) => copySources[name].id + copySources[name].width === from,
  );
  if (plain && source !== undefined) return { do: "copy to eth_dst", from: source };
  return `copy_field ${bits}@${offsets} 0x${from.toString(16)} 0x${to.toString(16)}`;
}

function setOf({ id, value, mask }: FieldValue): Action | undefined {
  const mac = (mask === undefined ? Number(value) : masks(value, mask)) as Masked<Mac>;
  if (id === fields.ethDst.id) return { do: "set eth_dst", mac };
  if (id === fields.ethSrc.id) return { do: "set eth_src", mac };
  if (mask !== undefined) return undefined;
  if (id === fields.reg0.id) return { do: "set reg0", value: Number(value) };
  if (id === fields.reg1.id) return { do: "set reg1", value: Number(value) };
  if (id === fields.tunnelId.id) return { do: "set tunnel id", vni: Number(value) };
  if (id === tunnelDst.id) return { do: "set tunnel dst", address: Number(value) as Ip4 };
  if (id === tunnelDst6.id) return { do: "set tunnel dst6", address: value as Ip6 };
  return undefined;
}

const masks = (value: bigint, mask: bigint) => ({ value: Number(value), mask: Number(mask) });

const hexOf = (body: Reader): string =>
  Array.from(body.rest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
