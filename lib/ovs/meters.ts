/**
 * Meters, which drop what is more than a rate: OpenFlow messages, written and read.
 *
 * They are no part of a bundle: Open vSwitch takes only flows, groups and ports there. Deleting one
 * deletes the flows that use it.
 * Source: ONF TS-025, 7.3.4.4 (modification), 7.3.5.14 (description).
 */
import type { Deadline } from "../deadline.ts";
import type { Failure } from "../errors.ts";
import { reader, type Writer } from "./bytes.ts";
import { messageType, multipart, writeBarrier, writeMessage, writeMultipart } from "./openflow.ts";
import { type Connection, refused } from "./openflow-connection.ts";
import type { Meter, MeterChange } from "./switch.ts";

const command = { add: 0, modify: 1, delete: 2 } as const;
/** OFPMF_KBPS and OFPMF_BURST. */
const kilobitsAndBurst = 1 | 4;
/** OFPMBT_DROP. */
const drop = 1;
const bandLength = 16;
/** OFPM_ALL. */
const allMeters = 0xffff_ffff;

function writeMeterMod(to: Writer, xid: number, change: MeterChange): void {
  writeMessage(to, messageType.meterMod, xid, () => {
    to.uint(command[change.do], 2);
    to.uint(kilobitsAndBurst, 2);
    if (change.do === "delete") return to.uint(change.id, 4);
    const { id, rate, burst } = change.meter;
    to.uint(id, 4);
    to.uint(drop, 2);
    to.uint(bandLength, 2);
    to.uint(rate, 4);
    to.uint(burst, 4);
    to.zeros(4);
  });
}

/** Asks for all meters. */
export function writeMetersRequest(to: Writer, xid: number): void {
  writeMultipart(to, xid, multipart.meterDesc, () => {
    to.uint(allMeters, 4);
    to.zeros(4);
  });
}

/** The body of one part of an answer about meters; one that is not like ours has the rate 0. */
export function readMeters(body: Uint8Array): readonly Meter[] {
  const from = reader(body, "a meter");
  const meters: Meter[] = [];
  while (from.left() > 0) {
    const length = from.uint(2);
    const rest = from.part(Math.max(0, length - 2));
    const flags = rest.uint(2);
    const id = rest.uint(4);
    const isOurs =
      flags === kilobitsAndBurst && rest.left() === bandLength && rest.uint(2) === drop;
    if (isOurs) rest.skip(2);
    meters.push({ id, rate: isOurs ? rest.uint(4) : 0, burst: isOurs ? rest.uint(4) : 0 });
  }
  return meters;
}

/**
 * Makes the changes, one after the other, and waits. Throws Failure "switch-refused" for the first
 * that is refused; those after it are made all the same.
 */
export function changeMeters(
  { bridge, send, answer, errorOf, forget }: Connection,
  changes: readonly MeterChange[],
  deadline: Deadline,
): void {
  const sent = new Map<number, MeterChange>();
  let barrier = 0;
  send((to, nextXid) => {
    for (const change of changes) {
      const xid = nextXid();
      sent.set(xid, change);
      writeMeterMod(to, xid, change);
    }
    barrier = nextXid();
    writeBarrier(to, barrier);
  }, deadline);
  answer(barrier, (message) => message.type === "barrier", deadline);
  let fault: Failure | undefined;
  for (const [xid, change] of sent) {
    const error = errorOf(xid);
    if (error !== undefined) fault ??= refused(`${change.do} a meter of`, bridge, error.words);
    forget(xid);
  }
  if (fault !== undefined) throw fault;
}
