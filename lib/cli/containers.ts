/** The containers of this machine, as a command line names them. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { isOwnAddress } from "../attach/names.ts";
import { Failure } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { podOf } from "../ipam/mirrored.ts";

/** All that have a port of ours, by name. */
export const containersHere = (host: Host): readonly Assignment[] =>
  listAssignments(host.ipam.dirs)
    .filter(({ id, ofport }) => ofport !== undefined && !isOwnAddress(id))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));

const sortKey = (one: Assignment) => `${nameOf(one)} ${one.id.ifname}`;

/** A pod's, or else the id, which is a run's name. */
export const nameOf = ({ id, workload }: Assignment): string => podOf(workload) ?? id.containerId;

/** All interfaces of the one that is meant: by its name, its id, or how that begins. */
export function chosenOf(
  all: readonly Assignment[],
  name: string,
  action: string,
): readonly Assignment[] {
  const exact = all.filter((one) => [one.id.containerId, nameOf(one)].includes(name));
  if (exact.length > 0) return exact;
  const begun = all.filter(({ id }) => id.containerId.startsWith(name));
  const ids = new Set(begun.map(({ id }) => id.containerId));
  if (ids.size === 1) return begun;
  throw new Failure(
    "unknown-container",
    ids.size === 0
      ? `Cannot ${action} container "${name}": there is none on this machine`
      : `Cannot ${action} container "${name}": the ids of ${ids.size} begin so`,
    { details: "See which there are: socketplane info" },
  );
}
