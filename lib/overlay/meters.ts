/** The meters of the containers that are limited: two numbers of each port's own. Pure. */
import type { Ofport } from "../ovs/flow.ts";
import type { Meter, MeterChange } from "../ovs/switch.ts";
import type { SwitchAttachment } from "./state.ts";

/** What the container of a port sends passes the first, what it receives the second. */
export const meterIds = (ofport: Ofport) =>
  ({ send: 2 * ofport, receive: 2 * ofport + 1 }) as const;

export function metersOf({ ofport, limits }: SwitchAttachment): readonly Meter[] {
  if (limits === undefined) return [];
  const { send, receive } = limits;
  const ids = meterIds(ofport);
  return [
    ...(send === undefined ? [] : [{ ...send, id: ids.send }]),
    ...(receive === undefined ? [] : [{ ...receive, id: ids.receive }]),
  ];
}

/** Takes both away. */
export function withoutMeters(ofport: Ofport): readonly MeterChange[] {
  const { send, receive } = meterIds(ofport);
  return [
    { do: "delete", id: send },
    { do: "delete", id: receive },
  ];
}

/**
 * What is changed before the flows that use them, and what after: to delete a meter is to delete
 * its flows. Those of `unknown` ports are left as they are.
 */
export function meterDifferences(
  have: readonly Meter[],
  wanted: readonly Meter[],
  unknown: ReadonlySet<Ofport>,
): { readonly before: readonly MeterChange[]; readonly after: readonly MeterChange[] } {
  const there = new Map(have.map((meter) => [meter.id, meter]));
  const before = wanted.flatMap((meter): readonly MeterChange[] => {
    const found = there.get(meter.id);
    there.delete(meter.id);
    if (found === undefined) return [{ do: "add", meter }];
    return isSame(found, meter) ? [] : [{ do: "modify", meter }];
  });
  const stray = [...there.keys()].filter((id) => !unknown.has(Math.floor(id / 2)));
  return { before, after: stray.map((id) => ({ do: "delete", id })) };
}

export const isSame = (one: Meter, other: Meter): boolean =>
  one.id === other.id && one.rate === other.rate && one.burst === other.burst;
