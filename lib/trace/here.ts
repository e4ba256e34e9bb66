/** A trace, asked on this node: its survey, its switch and its kernel. See way.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { gatewayLinkName } from "../attach/names.ts";
import type { Survey } from "../survey/survey.ts";
import type { RouteAnswer, RouteQuestion } from "../sys/route-lookup.ts";
import type { Pause } from "./ask.ts";
import { type Facts, factsOf } from "./facts.ts";
import type { Following } from "./follow.ts";
import type { HostRoute } from "./host-sends.ts";
import type { HostSees } from "./host-way.ts";
import { recordedOf } from "./records.ts";
import { openThrough } from "./through.ts";
import type { Address, Packet } from "./way.ts";

/** Made in cmd/, loaded for this alone. */
export interface TraceDrivers {
  readonly pause: Pause;
  readonly lookUpRoute: (question: RouteQuestion) => RouteAnswer;
  /** A name that nobody else has, and nobody can guess. */
  readonly newToken: () => string;
}

/** All that a packet is followed by, from this node. */
export async function openFollowing(
  drivers: TraceDrivers,
  host: Host,
  survey: Survey,
): Promise<Following> {
  const facts = factsOf(survey);
  const { newToken, pause } = drivers;
  return {
    facts,
    through: openThrough({ host, survey, facts, pause, newToken }),
    ownElsewhere: ownIn(survey),
    ...(await openHostSees(drivers, host, facts)),
  };
}

/** Asks this machine's kernel, and its firewall, which is read once. */
async function openHostSees(
  { lookUpRoute }: TraceDrivers,
  host: Host,
  facts: Facts,
): Promise<Pick<Following, "hostSees" | "routeOf">> {
  const links = new Map(
    host
      .links()
      .list()
      .map(({ index, name }) => [index, name]),
  );
  const indexOf = (name: string) => [...links].find(([, link]) => link === name)?.[0];
  const { foreignDrop, foreign } = await foreignOf(host);
  const isFiltered = new Map(
    facts.networks.map(({ name }) => [name, host.isFiltered(gatewayLinkName(name))]),
  );
  const linkName = (index: number) => links.get(index) ?? `${index}`;
  const routeOf = (to: Address): HostRoute => {
    const route = lookUpRoute({ to });
    return { route, link: route.route === "none" ? "" : linkName(route.index), foreign };
  };
  const hostSees = ({ network, from, to }: Packet): HostSees => {
    const comesBy = indexOf(gatewayLinkName(network));
    const sysctl = to.family === 4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
    return {
      route:
        comesBy === undefined
          ? { route: "none", why: `it has no link ${gatewayLinkName(network)}` }
          : lookUpRoute({ to, from, comesBy }),
      own: lookUpRoute({ to }),
      linkName,
      forwards: host.kernel.readSysctl(sysctl)?.trim() === "1",
      isFiltered: isFiltered.get(network) === true,
      foreignDrop,
      foreign,
    };
  };
  return { hostSees, routeOf };
}

/** Of a kernel without nftables there is nothing to say. */
async function foreignOf(host: Host): Promise<Pick<HostSees, "foreign" | "foreignDrop">> {
  try {
    const filter = await host.filter();
    return { foreignDrop: filter.foreignDrop(), foreign: filter.foreignChains() };
  } catch {
    return { foreignDrop: undefined, foreign: { forward: [], input: [], output: [] } };
  }
}

function ownIn({ cluster }: Survey): Following["ownElsewhere"] {
  const known = new Map<string, ReturnType<typeof recordedOf>>();
  return (node, network) => {
    if (!known.has(node)) {
      known.set(node, cluster.known ? recordedOf(cluster.value, node) : undefined);
    }
    const ports = known.get(node)?.ports ?? [];
    return ports.find((one) => one.role === "gateway" && one.network === network)?.address;
  };
}
