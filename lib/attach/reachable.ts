/** What the machine reaches already, by its own routes: a network there would hide it. */
import { Failure } from "../errors.ts";
import type { Network } from "../ipam/network.ts";
import {
  formatPrefix4,
  formatPrefix6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
} from "../net/prefix.ts";
import type { Link, Route } from "../sys/kernel.ts";
import type { Host } from "./host.ts";
import { isGatewayLink } from "./names.ts";

/** The IPv4 prefixes that the machine has routes to, its networks' own included. */
export const reachable4 = (host: Pick<Host, "links">): readonly Prefix4[] =>
  host
    .links()
    .routes()
    .flatMap((route) =>
      route.family === 4 && route.to !== undefined && route.to.length > halfOfAll ? [route.to] : [],
    );

/** A default route may be in two halves (OpenVPN's "def1"): whatever overlaps it is meant to. */
const halfOfAll = 1;

/**
 * Throws Failure "network-conflict" if a subnet overlaps a route of the machine's own: by another
 * link than a network's, and not the default route.
 */
export function refuseReachable(
  host: Pick<Host, "links">,
  action: string,
  subnets: Pick<Network, "subnet" | "subnet6">,
  details: string,
): void {
  const links = host.links();
  const clashing = links.routes().filter((route) => overlaps(route, subnets));
  if (clashing.length === 0) return;
  const names = new Map(links.list().map((link: Link) => [link.index, link.name]));
  for (const route of clashing) {
    const link = names.get(route.index) ?? "";
    if (isGatewayLink(link)) continue;
    throw new Failure(
      "network-conflict",
      `Cannot ${action}: its subnet overlaps this machine's route to ${destination(route)} by link "${link}"`,
      { details },
    );
  }
}

function overlaps(route: Route, { subnet, subnet6 }: Pick<Network, "subnet" | "subnet6">): boolean {
  if (route.to === undefined || route.to.length <= halfOfAll) return false;
  if (route.family === 4) return overlaps4(route.to, subnet);
  return subnet6 !== undefined && overlaps6(route.to as Prefix6, subnet6);
}

const destination = (route: Route): string => {
  if (route.to === undefined) return "everywhere";
  return route.family === 4 ? formatPrefix4(route.to) : formatPrefix6(route.to as Prefix6);
};
