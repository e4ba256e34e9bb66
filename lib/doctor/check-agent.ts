/** What is judged of this node's agent. See doctor.ts for the folder's note. */
import { type Check, inCluster, ofNode, ok, type Verdict, valueIn, warning } from "./check.ts";
import type { Facts } from "./facts.ts";
import { counted, isAgentRunning } from "./remedies.ts";

const agent: Check = {
  id: "agent.running",
  asks: "Whether the agent runs, and answers at its address (`agent.listen`).",
  remedy: "`socketplane agent start`, and where it ends again, `socketplane agent logs`.",
  needs: ["files.node-json"],
  without: "the agent does not run",
  judge: ofNode((node) => {
    const { survey, agent, config } = node;
    const { host, port } = config.agent.listen;
    if (survey.agent.known) return [ok(`it answers at ${host}:${port}`)];
    if (isAgentRunning(node)) {
      const seen = `it runs (process ${agent.pid ?? "?"}), and does not answer at ${host}:${port}`;
      return [warning({ seen, todo: "socketplane agent logs; then: socketplane agent restart" })];
    }
    // A machine that is alone has nobody to follow.
    if (config.store.type === "file") {
      return [ok("it does not run: on a machine that is alone, plugins do without")];
    }
    const why = agent.reason === undefined ? "" : ` (${agent.reason})`;
    const seen = `it does not run${why}: what changes elsewhere reaches this node with its next ADD only`;
    return [warning({ seen, todo: "socketplane agent start" })];
  }),
};

/** On a machine that is alone, it need not be. */
const hasAgent = (facts: Facts): boolean =>
  inCluster(facts) || facts.node?.survey.agent.known === true;

const health: Check = {
  id: "agent.health",
  asks: "What the agent says of itself (/healthz).",
  remedy: "What it names; it goes on trying. `socketplane agent logs` says more.",
  applies: hasAgent,
  needs: ["store.reachable", "switch.openflow", "node.registered", "agent.running"],
  judge: ofNode(({ survey: { agent }, underlayFault }) => {
    if (!agent.known) return [];
    // That is found by underlay.bridged, with what to do.
    const isFound = underlayFault.known && underlayFault.value !== undefined;
    const told = Object.entries(agent.value.said).filter(
      ([subject]) => subject !== "underlay" || !isFound,
    );
    const more = "socketplane agent logs";
    if (agent.value.isWell && told.length === 0) return [ok("it is well")];
    return told.map(([subject, seen]): Verdict => warning({ subject, seen, todo: more }));
  }),
};

const fresh: Check = {
  id: "agent.caches",
  asks: "Whether the agent keeps what this node has of the store up to date: leases, peers, policies.",
  remedy: "`socketplane agent restart`, and `socketplane agent logs` for why it does not follow.",
  applies: hasAgent,
  needs: ["store.reachable", "agent.running"],
  judge: ofNode(({ survey }) => {
    const here = valueIn(survey.here);
    if (here === undefined || !survey.agent.known || here.networks.length === 0) return [];
    if (here.isKept) return [ok(`up to date, of ${counted(here.networks.length, "network")}`)];
    const seen = "the agent runs, and does not follow the store";
    return [warning({ seen, todo: "socketplane agent logs; then: socketplane agent restart" })];
  }),
};

export const agentChecks: readonly Check[] = [agent, health, fresh];
