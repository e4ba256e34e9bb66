/**
 * Asks this machine's switch what it would do with a packet. See way.ts for the folder's note.
 *
 * The one thing that this sets off: where the switch has not resolved a peer's VTEP by itself, on the
 * userspace datapath, it asks for its MAC, as it does for every first packet.
 */
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import type { Ofport } from "../ovs/flow.ts";
import { packetText } from "./packet-text.ts";
import { parseTrace, type SwitchTrace } from "./switch-trace.ts";
import type { Entry, Packet } from "./way.ts";

/** Waits, milliseconds. */
export type Pause = (ms: number) => Promise<void>;

/** What a packet is that comes into the switch by the port. */
export interface Incoming {
  readonly entry: Entry;
  readonly packet: Packet;
  readonly port: Ofport;
}

/** Milliseconds between two looks whether a VTEP has answered, and how often that is looked. */
const again = { ms: 250, times: 4 } as const;

/**
 * What the switch does with the packet. Throws Failure "try-again" where no ovs-vswitchd answers,
 * "switch-refused" where it does not take the question.
 */
export async function askSwitch(
  { control, config }: Pick<Host, "control" | "config">,
  pause: Pause,
  { entry, packet, port }: Incoming,
  deadline: Deadline,
): Promise<SwitchTrace> {
  const args = [config.ovs.bridge, packetText(entry, packet, port)];
  const ask = () => parseTrace(control(deadline).call("ofproto/trace", args, deadline));
  let trace = ask();
  for (let time = 0; time < again.times && isResolving(trace); time += 1) {
    await pause(again.ms);
    trace = ask();
  }
  return trace;
}

/** The switch has just asked for the MAC of a VTEP: a moment later it knows it, or nobody answers. */
const isResolving = ({ lookups }: Pick<SwitchTrace, "lookups">): boolean =>
  lookups.some(({ notes }) => notes.some((note) => note.startsWith("neighbor cache miss")));
