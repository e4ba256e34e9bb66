/** Reads all parts, each with its deadline. See survey.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { machineId, nodeName, type World } from "../attach/node.ts";
import { underlayLink, underlayMtu, vtepOf } from "../attach/underlay.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import type { NodeConfig } from "../node-config.ts";
import { emptyCluster, readCluster } from "./cluster.ts";
import { readHere } from "./here.ts";
import { know, look, lookAfter } from "./known.ts";
import type { AgentFacts, Self, Survey } from "./survey.ts";
import { readFlows, readSwitch } from "./switch.ts";

export interface Asking extends Pick<World, "readFile" | "openDir"> {
  /** Asks the agent of this node by HTTP; undefined if nobody answers. */
  readonly askAgent: (config: NodeConfig, path: string) => Promise<string | undefined>;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
}

/** How long each has to answer, milliseconds: people wait for all of them. */
const patienceMs = { store: 4_000, switch: 3_000 } as const;

/** Never throws: what can't be read is not known. The host is opened by `openToLook`. */
export async function readSurvey(host: Host, asking: Asking): Promise<Survey> {
  const { askAgent, wallClock } = asking;
  const { config, clock } = host;
  const soon = (ms: number) => deadlineIn(clock, ms);
  const at = wallClock();
  // These block, and would take the time of what is waited for beside them: so they come first.
  const self = selfOf(host, asking);
  const here = look(() => readHere(host));
  const database = look(() => readSwitch(host, soon(patienceMs.switch)));
  const hasBridge =
    !database.known || database.value.bridges.some(({ name }) => name === config.ovs.bridge);
  // Before the first container there is no bridge, and nobody to ask for its flows.
  const flows = hasBridge ? look(() => readFlows(host, soon(patienceMs.switch))) : know([]);
  const [cluster, agent] = await Promise.all([
    lookAfter(() => lookAtStore(host, asking, soon(patienceMs.store))),
    lookAfter(async () => agentOf(config, await askAgent(config, "/healthz"))),
  ]);
  return { at, config, self, cluster, here, switch: database, flows, agent };
}

function selfOf(host: Host, asking: Asking): Self {
  const { config, kernel } = host;
  return {
    name: look(() => nodeName(host, config)),
    vtep: look(() => (config.store.type === "file" ? undefined : vtepOf(host))),
    underlay: look(() => underlayLink(host)),
    mtu: look(() => underlayMtu(host)),
    machineId: machineId(asking),
    boot: kernel.bootId(),
  };
}

/** An embedded store that nobody has written to yet is not made. */
async function lookAtStore({ config, ipam }: Host, { openDir }: Asking, deadline: Deadline) {
  const { store } = config;
  const folder = store.type === "file" ? openDir(store.path) : undefined;
  if (store.type === "file" && folder === undefined) return emptyCluster;
  folder?.close();
  return readCluster(await ipam.registry(), deadline);
}

/** Pure: what /healthz has said. Throws Failure "try-again" where nobody has. */
export function agentOf(config: NodeConfig, said: string | undefined): AgentFacts {
  const json = said === undefined ? undefined : parseJson(said);
  if (isObject(json)) {
    const { status, ...more } = json;
    const told = Object.entries(more).map(([what, state]) => [what, String(state)]);
    return { isWell: status === "ok", said: Object.fromEntries(told) };
  }
  const { host, port } = config.agent.listen;
  throw new Failure("try-again", `Cannot ask the agent at ${host}:${port}: it does not answer`, {
    details: "Start it: socketplane agent start",
  });
}
