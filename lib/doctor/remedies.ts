/** What several checks ask, and what to do in the same words for the same deed: pure. See doctor.ts for the folder's note. */
import type { AttachmentId } from "../ipam/assignment.ts";
import type { SwitchBridge } from "../survey/switch.ts";
import type { Verdict } from "./check.ts";
import type { NodeFacts } from "./facts.ts";

/** By its own word, or by that of who runs it. */
export const isAgentRunning = ({ survey, agent }: NodeFacts): boolean =>
  survey.agent.known || agent.state === "running" || agent.state === "starting";

/** The agent puts right what it finds when it starts: ports, links, flows, firewall. */
export const haveItPutRight = (node: NodeFacts): string =>
  isAgentRunning(node) ? "socketplane agent restart" : "socketplane agent start";

/** The bridge, if it is there: the first ADD makes it. */
export const bridgeOf = ({ survey, config }: NodeFacts): SwitchBridge | undefined =>
  survey.switch.known
    ? survey.switch.value.bridges.find(({ name }) => name === config.ovs.bridge)
    : undefined;

export const hasBridge = (node: NodeFacts): boolean => bridgeOf(node) !== undefined;

/** The check that says so, where Open vSwitch does not do its work. */
export function switchFault(node: NodeFacts): "switch.database" | "switch.openflow" | undefined {
  if (!node.survey.switch.known) return "switch.database";
  return hasBridge(node) && !node.survey.flows.known ? "switch.openflow" : undefined;
}

/** What can't be told of the underlay, where it passes Open vSwitch as well. */
export const byWayOfSwitch = (because: string): Verdict => ({
  state: "unknown",
  seen: "Open vSwitch is down, by which this machine reaches others",
  because,
});

/** "1 network", "2 networks" */
export const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

export const attachmentName = ({ id }: { readonly id: AttachmentId }): string =>
  `container ${id.containerId} (${id.ifname})`;
