/**
 * When the MACs of the peers' VTEPs are asked for, on the userspace datapath: each again and again,
 * since the switch forgets them (*measured*, after 15 minutes). How: ../attach/neighbours.ts.
 */
import { hexOfVtep, type VtepAddress } from "../store/keys.ts";

/** When each VTEP was probed last, milliseconds since boot, by its hex form. */
export type Probed = Map<string, number>;

/**
 * Pure: which VTEPs to probe now: "new" ones, or "all", those first that were not for longest, and
 * no more than `most`.
 */
export function dueVteps(
  vteps: readonly VtepAddress[],
  probed: ReadonlyMap<string, number>,
  which: "new" | "all",
  most: number,
): readonly VtepAddress[] {
  const at = (vtep: VtepAddress) => probed.get(hexOfVtep(vtep)) ?? Number.NEGATIVE_INFINITY;
  const due = which === "all" ? vteps : vteps.filter((vtep) => !probed.has(hexOfVtep(vtep)));
  const compare = (a: number, b: number) => (a === b ? 0 : a - b);
  return [...due].sort((a, b) => compare(at(a), at(b))).slice(0, most);
}
