/** What is judged of the link by which this machine reaches all others. See doctor.ts. */
import type { SwitchPort } from "../survey/switch.ts";
import type { Link } from "../sys/kernel.ts";
import { broken, type Check, inCluster, ok, type Verdict, valueIn, warning } from "./check.ts";
import type { Facts, NodeFacts } from "./facts.ts";
import { byWayOfSwitch, switchFault } from "./remedies.ts";

const link: Check = {
  id: "underlay.link",
  asks: "Whether the link that has the VTEP is up and has a carrier; where it is a bridge of Open vSwitch, one of those in it.",
  remedy:
    "`ip link set LINK up`; where it has no carrier, see to its cable and what is at the other end.",
  applies: inCluster,
  needs: ["files.node-json"],
  without: "this machine's own link is down",
  judge: (facts) => {
    if (facts.node === undefined) return [];
    const because = goneWithSwitch(facts.node);
    if (because !== undefined) return [byWayOfSwitch(because)];
    const fault = linkFault(facts);
    if (fault !== undefined) return [broken(fault)];
    const down = downLink(facts.node);
    if (down !== undefined) {
      const seen = `${down.seen}; other nodes answer through the tunnel all the same`;
      return [warning({ ...down, seen })];
    }
    const name = underlayOf(facts.node)?.name;
    return name === undefined ? [] : [ok(`"${name}" is up`)];
  },
};

interface LinkFault {
  readonly seen: string;
  readonly todo: string;
}

/** Pure: why no other machine is reached; an answer of one of them is proof that they are. */
export function linkFault({ node, peers }: Facts): LinkFault | undefined {
  const isReached = valueIn(peers)?.some(({ tunnel }) => tunnel?.small === "answered") === true;
  return node === undefined || isReached ? undefined : downLink(node);
}

/** What can't be told of others where nothing leaves this machine. */
export const byWayOfLink: Verdict = {
  state: "unknown",
  seen: "this machine's own link is down, by which it reaches others",
  because: link.id,
};

const underlayOf = ({ survey: { self }, lostUnderlay }: NodeFacts): Link | undefined =>
  valueIn(self.underlay) ?? lostUnderlay;

/** The check that says why a bridge of Open vSwitch, which has the VTEP, is down with it. */
function goneWithSwitch(node: NodeFacts) {
  const underlay = underlayOf(node);
  const isItsOwn = ["tun", "openvswitch"].includes(underlay?.kind ?? "");
  return isItsOwn && !(underlay?.up && underlay.running) ? switchFault(node) : undefined;
}

function downLink(node: NodeFacts): LinkFault | undefined {
  const underlay = underlayOf(node);
  if (underlay === undefined || goneWithSwitch(node) !== undefined) return undefined;
  const { name } = underlay;
  const itself = stateOf(`link "${name}", which has the VTEP,`, underlay);
  if (itself !== undefined) return itself;
  const ports = portsOf(node, name);
  const faults = ports.map((port) => portFault(port, node));
  // By any of several, frames leave.
  return faults.includes(undefined) ? undefined : faults[0];
}

/** Those in the bridge of that name; none where there is none, or the database is away. */
const portsOf = ({ survey }: NodeFacts, bridge: string): readonly SwitchPort[] =>
  (valueIn(survey.switch)?.ports ?? []).filter(
    (port) => port.bridge === bridge && port.name !== bridge && port.type !== "internal",
  );

/** DPDK's are no links of the kernel: only the switch tells of them. */
function portFault({ name, bridge, linkState }: SwitchPort, { links }: NodeFacts) {
  const up = linkState !== "down";
  const seen = links.get(name) ?? { name, up: true, running: up };
  return stateOf(`link "${name}", by which bridge "${bridge}" reaches others,`, seen);
}

function stateOf(
  subject: string,
  { name, up, running }: Pick<Link, "name" | "up" | "running">,
): LinkFault | undefined {
  if (!up) return { seen: `${subject} is down`, todo: `ip link set ${name} up` };
  if (running) return undefined;
  const todo = `See to the cable of ${name}, and to what is at its other end: ip -d link show ${name}; ethtool ${name}`;
  return { seen: `${subject} has no carrier`, todo };
}

export const linkChecks: readonly Check[] = [link];
