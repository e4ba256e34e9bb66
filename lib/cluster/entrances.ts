/** Where in the cluster others are taken in: on each node that has the authority's key. */
import type { Deadline } from "../deadline.ts";
import type { Registry } from "../ipam/networks.ts";
import { isObject, parseJson } from "../json.ts";
import type { Session } from "../store/store.ts";
import type { Endpoint } from "./drivers.ts";

export interface Entrance extends Endpoint {
  /** Name of the node. */
  readonly node: string;
}

/** Seconds that it is known for after its agent was last heard of. */
const ttlSeconds = 30;

/** Writes it down for as long as the process lives. */
export const openEntrance = (
  { store, keys }: Registry,
  { node, host, port }: Entrance,
  deadline: Deadline,
): Promise<Session> =>
  store.openSession(keys.entrance(node), JSON.stringify({ host, port }), ttlSeconds, deadline);

/** Those whose agents run. */
export async function listEntrances(
  { store, keys }: Registry,
  deadline: Deadline,
): Promise<readonly Entrance[]> {
  const { entries } = await store.range(keys.entrances, deadline);
  return entries.flatMap(({ key, value }) => {
    const parts = keys.parse(key);
    const json = parseJson(value);
    if (parts?.kind !== "entrance" || !isObject(json)) return [];
    const { host, port } = json;
    return typeof host === "string" && typeof port === "number"
      ? [{ node: parts.node, host, port }]
      : [];
  });
}
