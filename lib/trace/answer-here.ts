/** What this node answers another one's question, by its own switch. See way.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { gatewayLinkName } from "../attach/names.ts";
import { tunnelPort } from "../attach/switch-network.ts";
import { ourPorts } from "../attach/sync.ts";
import type { Deadline } from "../deadline.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Ofport } from "../ovs/flow.ts";
import type { Answer } from "./answer.ts";
import { askSwitch, type Pause } from "./ask.ts";
import type { Question } from "./question.ts";
import type { PortState } from "./switch-trace.ts";

/** Throws what asking the switch throws. */
export async function answerHere(
  pause: Pause,
  host: Host,
  question: Question,
  deadline: Deadline,
): Promise<Answer> {
  const { attachments, gateways } = ourPorts(host, deadline);
  const port = entryPort([...attachments, ...gateways], question);
  if (port === undefined) return { refused: "it has no port that such a packet comes in by" };
  const { text } = await askSwitch(host, pause, { ...question, port }, deadline);
  return { text, ownPort: ownPortOf(host, question.packet.network) };
}

/** Of this node's own port in a network; undefined where there is none, or no kernel tells. */
export function ownPortOf(host: Pick<Host, "links">, network: string): PortState | undefined {
  try {
    const link = host.links().get(gatewayLinkName(network));
    return link && (link.up ? "up" : "down");
  } catch {
    return undefined;
  }
}

/** A port of ours on a node. */
export interface NodePort {
  readonly ofport: Ofport;
  readonly role: "attachment" | "gateway";
  readonly network: string;
  /** The container's, or the node's own. */
  readonly address: Ip4;
}

/** Where such a packet comes in; undefined where there is no such port. */
export function entryPort(
  ports: readonly NodePort[],
  { entry, packet }: Question,
): Ofport | undefined {
  if (entry.by === "tunnel") return tunnelPort;
  const found = ports.find(({ role, network, address }) => {
    if (network !== packet.network) return false;
    return entry.by === "host" ? role === "gateway" : address === entry.address;
  });
  return found?.ofport;
}
