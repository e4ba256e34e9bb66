/** What this host itself sends, by its kernel's route: pure. See way.ts for the folder's note. */
import { gatewayLinkName } from "../attach/names.ts";
import { sameVtep } from "../ipam/nodes.ts";
import type { ForeignChainNames } from "../sys/nft.ts";
import type { RouteAnswer } from "../sys/route-lookup.ts";
import type { Facts } from "./facts.ts";
import { textOf } from "./packet-text.ts";
import type { Address, Step, WayEnd } from "./way.ts";

/** The kernel's route for what this host itself sends, and the name of its link. */
export interface HostRoute {
  readonly route: RouteAnswer;
  readonly link: string;
  /** See HostSees. */
  readonly foreign: ForeignChainNames;
}

/** What this host does with what it sends: into a network, or that is its end. */
export function hostSends(
  facts: Facts,
  to: Address,
  { route, link, foreign }: HostRoute,
): {
  readonly steps: readonly Step[];
  readonly network: string | undefined;
  readonly end: WayEnd | undefined;
  /** See NodeWay. */
  readonly but: readonly string[];
} {
  const { node } = facts;
  const text = textOf(to);
  if (route.route === "none") {
    const why = `${node} has no way to ${text}: ${route.why}`;
    const todo = `See there: ip route get ${text}`;
    return { steps: [], network: undefined, end: { end: "dropped", why, todo }, but: [] };
  }
  if (route.route === "local") {
    const says = `${text} is an address of ${node} itself`;
    const end = { end: "delivered", to: `node ${node}` } as const;
    return { steps: [{ at: "host", says }], network: undefined, end, but: [] };
  }
  const via = route.via === undefined ? "" : ` via ${textOf(route.via)}`;
  const source = route.source === undefined ? "" : `, from ${textOf(route.source)}`;
  const says = `${node} sends it by link ${link}${source}`;
  const steps = [{ at: "host routing", met: `${text}${via} dev ${link}`, says }];
  const network = facts.networks.find(({ name }) => gatewayLinkName(name) === link)?.name;
  const but = notLookedAt(node, to, foreign.output);
  if (network !== undefined) return { steps, network, end: undefined, but };
  const reached = reachedBy(facts, to, link, route.via);
  return { steps, network, end: { end: "delivered", to: reached, isHanded: true }, but };
}

/** Who is reached by a link that is no network's. */
export function reachedBy(
  facts: Facts,
  to: Address,
  link: string,
  via: Address | undefined,
): string {
  const peer = facts.nodes.find(({ vtep }) => sameVtep(vtep, to));
  const by = via === undefined ? `link ${link}` : `link ${link} via ${textOf(via)}`;
  return peer === undefined ? `the outside, by ${by}` : `node ${peer.name}, by ${by}`;
}

/** A chain of "ip6" or "ip" is for that family alone. */
export function notLookedAt(
  node: string,
  { family }: Address,
  chains: readonly string[],
): string[] {
  const passed = chains.filter((name) => !name.startsWith(family === 4 ? "ip6 " : "ip "));
  if (passed.length === 0) return [];
  return [`rules of others on ${node} were not looked at: chain ${passed.join(", chain ")}`];
}
