/** What to do, in the same words for the same deed: pure. See doctor.ts for the folder's note. */
import type { NodeFacts } from "./facts.ts";

/** By its own word, or by that of who runs it. */
export const isAgentRunning = ({ survey, agent }: NodeFacts): boolean =>
  survey.agent.known || agent.state === "running" || agent.state === "starting";

/** The agent puts right what it finds when it starts: ports, links, flows, firewall. */
export const haveItPutRight = (node: NodeFacts): string =>
  isAgentRunning(node) ? "socketplane agent restart" : "socketplane agent start";
