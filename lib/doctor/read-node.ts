/** What is seen of the node that node.json tells of. See doctor.ts for the folder's note. */
import { newDatapath } from "../attach/bridge.ts";
import { filterNetwork } from "../attach/firewall.ts";
import type { Host } from "../attach/host.ts";
import { gatewayLinkName } from "../attach/names.ts";
import { closeNode, openToLook } from "../attach/node.ts";
import { standingNetwork } from "../attach/switch-network.ts";
import { differentFlows } from "../attach/sync.ts";
import { tunnelFault, underlayFault } from "../attach/tunnel.ts";
import { gatewayFaults } from "../attach/verify.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { HeldNetwork } from "../ipam/held.ts";
import type { NodeConfig } from "../node-config.ts";
import { formatFlow } from "../ovs/flow-text.ts";
import type { ServiceStatus } from "../service/services.ts";
import type { VtepAddress } from "../store/keys.ts";
import { readHere } from "../survey/here.ts";
import { know, look, lookAfter, valueOr } from "../survey/known.ts";
import { readSurvey } from "../survey/read.ts";
import type { Known, Survey, Unknown } from "../survey/survey.ts";
import { readSwitch } from "../survey/switch.ts";
import type { Link } from "../sys/kernel.ts";
import type { Filter } from "../sys/nft.ts";
import type { FlowDifferences, NodeFacts, StandingNetwork } from "./facts.ts";
import { readCertificates, readEndpoints } from "./read-etcd.ts";
import { readInside } from "./read-inside.ts";
import type { ContainerLook } from "./settled.ts";
import type { DoctorWorld } from "./world.ts";

/** Milliseconds: each part of the switch; until what an ADD under way changes is changed. */
const patience = { switch: 3_000, settle: 500 } as const;

const ovsPrograms = ["/usr/sbin/ovs-vswitchd", "/usr/local/sbin/ovs-vswitchd"];

export async function readNode(
  world: DoctorWorld,
  config: NodeConfig,
  filter: Known<Filter>,
): Promise<NodeFacts> {
  const { store } = config;
  const isStoreAbsent = store.type === "file" && isAbsent(world, store.path);
  const { host, hidden } = open(isStoreAbsent ? { ...world, openStore: noStore } : world, config);
  try {
    const [found, endpoints, certificates, agent] = await Promise.all([
      readSurvey(host, world),
      readEndpoints(world, host),
      readCertificates(world, store),
      statusOf(world, config),
    ]);
    const survey = hidden === undefined ? found : { ...found, here: hidden };
    return {
      config,
      survey,
      endpoints,
      certificates,
      now: world.wallClock(),
      isOvsInstalled: ovsPrograms.some((path) => world.places.program(path) !== "absent"),
      isStoreAbsent,
      ...readUnderlay(host, survey),
      networks: readStanding(host, survey, filter),
      ...(await inParallel(world, host, survey)),
      links: linksOf(host),
      agent,
    };
  } finally {
    closeNode(host);
  }
}

const linksOf = (host: Host): NodeFacts["links"] =>
  new Map(
    host
      .links()
      .list()
      .map((link) => [link.name, link]),
  );

/** What is seen of containers a second time. */
export const lookAgain = (world: DoctorWorld, { config }: NodeFacts): Known<ContainerLook> =>
  look(() => {
    const host = openToLook(world, config);
    try {
      return { here: readHere(host), switch: readSwitch(host, soon(host)), links: linksOf(host) };
    } finally {
      closeNode(host);
    }
  });

/** What can't be looked into is there. */
const isAbsent = (world: Pick<DoctorWorld, "openDir">, path: string): boolean => {
  const found = look(() => world.openDir(path));
  if (found.known) found.value?.close();
  return found.known && found.value === undefined;
};

/** Who may not look into the run directory sees the rest. */
function open(
  world: DoctorWorld,
  config: NodeConfig,
): { readonly host: Host; readonly hidden?: Unknown } {
  const opened = look(() => openToLook(world, config));
  if (opened.known) return { host: opened.value };
  return { host: openToLook({ ...world, openDir: () => undefined }, config), hidden: opened };
}

/** Who asks systemd may be told nothing. */
async function statusOf(
  { agentStatus }: Pick<DoctorWorld, "agentStatus">,
  config: NodeConfig,
): Promise<ServiceStatus> {
  const said = await lookAfter(() => agentStatus(config));
  if (said.known) return said.value;
  const nothing = { pid: undefined, since: undefined, enabled: undefined };
  return { service: "agent", state: "stopped", ...nothing, reason: said.why };
}

/** To open the embedded store makes its folder. */
const noStore = (): Promise<never> =>
  Promise.reject(new Failure("try-again", "Cannot read the store: nothing was ever written to it"));

const soon = (host: Host): Deadline => deadlineIn(host.clock, patience.switch);

function readUnderlay(
  host: Host,
  { self, here, switch: found }: Survey,
): Pick<NodeFacts, "datapath" | "lostUnderlay" | "underlayFault" | "tunnelFault"> {
  const { bridge } = host.config.ovs;
  const own = valueOr(found, undefined)?.bridges.find(({ name }) => name === bridge);
  const vtep = valueOr(self.vtep, undefined);
  const link = valueOr(self.underlay, undefined)?.name;
  /** A database that has just been waited for in vain is not waited for again. */
  const told = <T>(of: T | undefined, ask: (of: T) => string | undefined) =>
    of === undefined ? know(undefined) : found.known ? look(() => ask(of)) : found;
  return {
    datapath:
      own === undefined ? newDatapath(host) : own.datapath === "netdev" ? "netdev" : "system",
    lostUnderlay: link === undefined ? linkOf(host, lastVtep(here)) : undefined,
    underlayFault: told(link, (name) => underlayFault(host, name, soon(host))),
    tunnelFault: told(vtep, (local) => tunnelFault(host, local, soon(host))),
  };
}

/** As this node's networks were last read of the store. */
const lastVtep = (here: Survey["here"]): VtepAddress | undefined =>
  valueOr(here, undefined)?.networks.find(({ held }) => held !== undefined)?.held?.tunnel;

function linkOf(host: Host, vtep: VtepAddress | undefined): Link | undefined {
  const links = host.links();
  const has = ({ index }: Link) =>
    links.addresses(index).some(({ address }) => address === vtep?.address);
  return vtep && links.list().find(has);
}

function readStanding(
  host: Host,
  survey: Survey,
  filter: Known<Filter>,
): readonly StandingNetwork[] {
  const networks = valueOr(survey.here, undefined)?.networks ?? [];
  return networks.flatMap(({ held }): readonly StandingNetwork[] => {
    if (held === undefined || standingNetwork(host, held) === undefined) return [];
    return [{ held, faults: look(() => faultsOf(host, held, filter)) }];
  });
}

function faultsOf(host: Host, held: HeldNetwork, filter: Known<Filter>): readonly string[] {
  const { network } = held.stored;
  const link = host.links().get(gatewayLinkName(network.name));
  const faults = gatewayFaults(host, network, link);
  const local = held.blocks.map(({ prefix }) => prefix);
  // What is not in at all is told already.
  if (faults.length > 0 || !filter.known) return faults;
  if (filter.value.has(filterNetwork(network, local))) return [];
  return [`the firewall's rules for network "${network.name}" are not as they should be`];
}

/** Both look twice where something differs, and wait in between. */
async function inParallel(
  world: DoctorWorld,
  host: Host,
  survey: Survey,
): Promise<Pick<NodeFacts, "flows" | "inside">> {
  const [flows, inside] = await Promise.all([
    readDifferences(world, host, survey),
    readInside(world, host, survey),
  ]);
  return { flows, inside };
}

/** What differs over two looks: an ADD or DEL under way is no fault. */
async function readDifferences(
  { pause }: Pick<DoctorWorld, "pause">,
  host: Host,
  { flows }: Survey,
): Promise<Known<FlowDifferences>> {
  if (!flows.known) return flows;
  const first = look(() => differencesNow(host));
  if (!first.known || isNone(first.value)) return first;
  await pause(patience.settle);
  const second = look(() => differencesNow(host));
  if (!second.known) return second;
  const still = (now: readonly string[], before: readonly string[]) => {
    const earlier = new Set(before);
    return now.filter((one) => earlier.has(one));
  };
  const { wanted, missing, strange, foreign } = second.value;
  const earlier = new Set(first.value.foreign.map(({ text }) => text));
  return know({
    wanted,
    missing: still(missing, first.value.missing),
    strange: still(strange, first.value.strange),
    foreign: foreign.filter(({ text }) => earlier.has(text)),
  });
}

const isNone = ({ missing, strange, foreign }: FlowDifferences): boolean =>
  missing.length + strange.length + foreign.length === 0;

function differencesNow(host: Host): FlowDifferences {
  const { wanted, changes, foreign } = differentFlows(host, soon(host));
  const of = (deed: "add" | "delete flow") =>
    changes.flatMap((change) => (change.do === deed ? [formatFlow(change.flow)] : []));
  return {
    wanted,
    missing: of("add"),
    strange: of("delete flow"),
    foreign: foreign.map((flow) => ({ cookie: flow.cookie, text: formatFlow(flow) })),
  };
}
