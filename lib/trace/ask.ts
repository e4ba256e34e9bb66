/**
 * Asks this machine's switch what it would do with a packet. See way.ts for the folder's note.
 *
 * The one thing that this sets off: where the switch has not resolved a peer's VTEP by itself, on the
 * userspace datapath, it asks for its MAC, as it does for every first packet.
 */
import type { World } from "../attach/node.ts";
import type { Deadline } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { NodeConfig } from "../node-config.ts";
import { type Control, controlSockets } from "../ovs/control.ts";
import type { Ofport } from "../ovs/flow.ts";
import { packetText } from "./packet-text.ts";
import { parseTrace, type SwitchTrace } from "./switch-trace.ts";
import type { Entry, Packet } from "./way.ts";

/** How the switch is reached; made in cmd/. */
export interface Asking extends Pick<World, "openDir" | "readFile"> {
  readonly openControl: (path: string, deadline: Deadline) => Control;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

/** What a packet is that comes into the switch by the port. */
export interface Incoming {
  readonly entry: Entry;
  readonly packet: Packet;
  readonly port: Ofport;
}

/** Milliseconds between two looks whether a VTEP has answered, and how often that is looked. */
const again = { ms: 250, times: 4 } as const;

/**
 * What the switch does with each of the packets. Throws Failure "try-again" where no ovs-vswitchd
 * answers, "switch-refused" where it does not take the question.
 */
export async function askSwitch(
  asking: Asking,
  config: NodeConfig,
  packets: readonly Incoming[],
  deadline: Deadline,
): Promise<readonly SwitchTrace[]> {
  const control = openControlOf(asking, config, deadline);
  const { bridge } = config.ovs;
  try {
    const traces: SwitchTrace[] = [];
    for (const { entry, packet, port } of packets) {
      const text = packetText(entry, packet, port);
      const ask = () => parseTrace(control.call("ofproto/trace", [bridge, text], deadline));
      let trace = ask();
      for (let time = 0; time < again.times && isResolving(trace); time += 1) {
        await asking.pause(again.ms);
        trace = ask();
      }
      traces.push(trace);
    }
    return traces;
  } finally {
    control.close();
  }
}

/** The switch has just asked for the MAC of a VTEP: a moment later it knows it, or nobody answers. */
export const isResolving = ({ lookups }: Pick<SwitchTrace, "lookups">): boolean =>
  lookups.some(({ notes }) => notes.some((note) => note.startsWith("neighbor cache miss")));

function openControlOf(asking: Asking, { ovs }: NodeConfig, deadline: Deadline): Control {
  const { runDir } = ovs;
  const folder = asking.openDir(runDir);
  const names = folder?.list() ?? [];
  folder?.close();
  const sockets = controlSockets(names, asking.readFile(`${runDir}/ovs-vswitchd.pid`));
  let reason = "there is no control socket of it";
  for (const socket of sockets) {
    try {
      return asking.openControl(`${runDir}/${socket}`, deadline);
    } catch (fault) {
      reason = reasonOf(fault);
    }
  }
  throw new Failure("try-again", `Cannot ask ovs-vswitchd in ${runDir}: ${reason}`, {
    details: `Start Open vSwitch (systemctl start openvswitch-switch), or say where its sockets are: "ovs.runDir" in node.json.`,
  });
}
