/** By whom an address on the underlay is reached: pure. */
import { contains4, type Prefix6 } from "../net/prefix.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Neighbour, Route } from "../sys/kernel.ts";

export interface Hop {
  readonly index: number;
  readonly neighbour: Neighbour;
}

/** Who is asked for the way to an address: itself, or the router before it. Pure. */
export function nextHop(routes: readonly Route[], to: VtepAddress): Hop | undefined {
  const [best] = routes
    .filter((route) => leadsTo(route, to))
    .sort((a, b) => (b.to?.length ?? 0) - (a.to?.length ?? 0) || metric(a) - metric(b));
  if (best === undefined) return undefined;
  const { index } = best;
  if (best.via === undefined) return { index, neighbour: to };
  return best.family === 4
    ? { index, neighbour: { family: 4, address: best.via } }
    : { index, neighbour: { family: 6, address: best.via } };
}

const metric = ({ options }: Route): number => options?.priority ?? 0;

function leadsTo(route: Route, to: VtepAddress): boolean {
  if (route.family !== to.family) return false;
  if (route.to === undefined) return true;
  if (route.family === 4) return to.family === 4 && contains4(route.to, to.address);
  return to.family === 6 && contains6(route.to as Prefix6, to.address);
}

const contains6 = ({ base, length }: Prefix6, address: bigint): boolean =>
  address >> BigInt(128 - length) === base >> BigInt(128 - length);
