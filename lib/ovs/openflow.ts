/**
 * OpenFlow 1.5 messages, written: pure, shared by blocking and evented clients. Each function
 * appends one message, so that a whole bundle becomes one send.
 * Source: ONF TS-025, section 7.
 */
import type { Writer } from "./bytes.ts";
import { writeInstructions } from "./instructions.ts";
import { writeMatch } from "./oxm.ts";
import type { CookieFilter, FlowChange } from "./switch.ts";

/** OpenFlow 1.5 on the wire. */
export const version = 6;

export const messageType = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  portStatus: 12,
  flowMod: 14,
  multipartRequest: 18,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  meterMod: 29,
  bundleControl: 33,
  bundleAdd: 34,
} as const;

export const multipart = { flowDesc: 1, aggregate: 2, meterDesc: 10, portDesc: 13 } as const;

const bundleControl = { open: 0, commit: 4, discard: 6 } as const;

/** OFPBF_ATOMIC and OFPBF_ORDERED: all or nothing, and in the order sent. */
const atomicAndOrdered = 3;

const anyPort = 0xffff_ffff;
const allTables = 0xff;
const noBuffer = 0xffff_ffff;
/** OFPFC_*; "delete flow" is OFPFC_DELETE_STRICT. */
const command = { add: 0, delete: 3, "delete flow": 4 } as const;
const wholeCookie = 0xffff_ffff_ffff_ffffn;

/** Appends a message of a type; its length is put in when `body` has been written. */
export function writeMessage(to: Writer, type: number, xid: number, body: () => void): void {
  const start = to.size();
  to.uint(version, 1);
  to.uint(type, 1);
  to.zeros(2);
  to.uint(xid, 4);
  body();
  to.setUint16(start + 2, to.size() - start);
}

/** A hello that offers 1.5 alone, by version bitmap. */
export function writeHello(to: Writer, xid: number): void {
  writeMessage(to, messageType.hello, xid, () => {
    to.uint(1, 2);
    to.uint(8, 2);
    to.uint(1 << version, 4);
  });
}

/** `data` is the echo request's own. */
export function writeEchoReply(to: Writer, xid: number, data: Uint8Array): void {
  writeMessage(to, messageType.echoReply, xid, () => {
    for (const byte of data) to.uint(byte, 1);
  });
}

export function writeBarrier(to: Writer, xid: number): void {
  writeMessage(to, messageType.barrierRequest, xid, () => {});
}

/** Adds a flow, deletes one, or deletes those that a cookie selects, as a message of its own. */
export function writeFlowMod(to: Writer, xid: number, change: FlowChange): void {
  const { cookie, mask } = cookieOf(change);
  const flow = change.do === "delete" ? undefined : change.flow;
  writeMessage(to, messageType.flowMod, xid, () => {
    to.uint(cookie, 8);
    to.uint(mask, 8);
    to.uint(flow?.table ?? allTables, 1);
    to.uint(command[change.do], 1);
    // idle and hard timeout: none.
    to.zeros(4);
    to.uint(flow?.priority ?? 0, 2);
    to.uint(noBuffer, 4);
    to.uint(anyPort, 4);
    to.uint(anyPort, 4);
    // flags and importance.
    to.zeros(4);
    writeMatch(to, flow?.match ?? {});
    if (change.do === "add") writeInstructions(to, change.flow.actions);
  });
}

function cookieOf(change: FlowChange): CookieFilter {
  if (change.do === "delete") return change.cookies;
  return { cookie: change.flow.cookie, mask: change.do === "add" ? 0n : wholeCookie };
}

export function writeBundleControl(
  to: Writer,
  xid: number,
  bundle: number,
  control: "open" | "commit" | "discard",
): void {
  writeMessage(to, messageType.bundleControl, xid, () => {
    to.uint(bundle, 4);
    to.uint(bundleControl[control], 2);
    to.uint(atomicAndOrdered, 2);
  });
}

/** Adds a change to an open bundle. What is refused comes back as an error under `xid`. */
export function writeBundleAdd(to: Writer, xid: number, bundle: number, change: FlowChange): void {
  writeMessage(to, messageType.bundleAdd, xid, () => {
    to.uint(bundle, 4);
    to.zeros(2);
    to.uint(atomicAndOrdered, 2);
    // The inner message must have the outer one's xid (7.3.9.3).
    writeFlowMod(to, xid, change);
  });
}

/** Asks how many flows a cookie selects. */
export function writeAggregateRequest(to: Writer, xid: number, cookies: CookieFilter): void {
  writeFlowQuestion(to, xid, multipart.aggregate, cookies);
}

/** Asks for the flows that a cookie selects. */
export function writeFlowsRequest(to: Writer, xid: number, cookies: CookieFilter): void {
  writeFlowQuestion(to, xid, multipart.flowDesc, cookies);
}

/** Asks for all ports. */
export function writePortsRequest(to: Writer, xid: number): void {
  writeMultipart(to, xid, multipart.portDesc, () => {
    to.uint(anyPort, 4);
    to.zeros(4);
  });
}

function writeFlowQuestion(to: Writer, xid: number, kind: number, cookies: CookieFilter): void {
  writeMultipart(to, xid, kind, () => {
    to.uint(allTables, 1);
    to.zeros(3);
    to.uint(anyPort, 4);
    to.uint(anyPort, 4);
    to.zeros(4);
    to.uint(cookies.cookie, 8);
    to.uint(cookies.mask, 8);
    writeMatch(to, {});
  });
}

/** Appends a question. */
export function writeMultipart(to: Writer, xid: number, kind: number, body: () => void): void {
  writeMessage(to, messageType.multipartRequest, xid, () => {
    to.uint(kind, 2);
    to.zeros(6);
    body();
  });
}
