/**
 * What node.json becomes when its machine joins a cluster or leaves it: pure. Keys that are none of
 * a cluster's stay as they are, and so does their order.
 */
import { Failure } from "../errors.ts";
import { isObject, type Json, parseJson } from "../json.ts";
import type { StoreConfig } from "../node-config.ts";

/** Paths of PEM files, seen from node.json. */
export type StoreTls = NonNullable<Extract<StoreConfig, { type: "etcd" }>["tls"]>;

/** What a cluster says in node.json. */
export interface ClusterPart {
  readonly node: string;
  readonly link: string;
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** Undefined for a cluster that was made with --insecure. */
  readonly tls: StoreTls | undefined;
  /** Whether it takes in others without a token. */
  readonly insecure: boolean;
  /** Where the etcd that this node runs has its settings; undefined where it runs none. */
  readonly etcd: string | undefined;
}

/** The keys that a cluster gives, and takes with it; and "agent.join.insecure". */
const given = ["node", "store", "vtep", "etcd"] as const;

/** Reads it; an absent one is empty. Throws Failure "invalid-config" for what is no JSON object. */
export function readNodeJson(text: string | undefined, path: string): Json {
  const json = text === undefined ? {} : parseJson(text);
  if (isObject(json)) return json;
  throw new Failure("invalid-config", `Cannot change node configuration ${path}: it is not JSON`, {
    details: "Correct it, or move it away.",
  });
}

export function withCluster(before: Json, part: ClusterPart): Json {
  const { node, link, endpoints, prefix, tls, insecure, etcd } = part;
  return {
    ...before,
    node,
    store: { type: "etcd", endpoints, prefix, ...(tls && { tls }) },
    vtep: { interface: link },
    ...(insecure && { agent: withJoin(objectIn(before, "agent"), { insecure }) }),
    ...(etcd !== undefined && { etcd: { ...objectIn(before, "etcd"), config: etcd } }),
  };
}

/** Says by which link VXLAN goes, and leaves all else. */
export const withInterface = (before: Json, link: string): Json => ({
  ...before,
  vtep: { interface: link },
});

/**
 * What is left of it when the cluster's keys are taken out, and those put in that were there before;
 * undefined for nothing.
 */
export function withoutCluster(json: Json, before: Json = {}): Json | undefined {
  const left = { ...withoutGiven(json), ...onlyGiven(before) };
  // In their old order, so that what has not changed otherwise is the same text.
  const keys = [...new Set([...Object.keys(before), ...Object.keys(left)])];
  const found = keys.filter((key) => Object.hasOwn(left, key));
  return found.length === 0 ? undefined : Object.fromEntries(found.map((key) => [key, left[key]]));
}

const isGiven = (key: string): boolean => given.some((one) => one === key);

const onlyGiven = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([key]) => isGiven(key)));

function withoutGiven(json: Json): Json {
  const rest = Object.entries(json).filter(([key]) => !isGiven(key));
  const left = rest.flatMap(([key, value]) => {
    if (key !== "agent" || !isObject(value)) return [[key, value]] as const;
    const agent = withoutInsecure(value);
    return Object.keys(agent).length === 0 ? [] : [[key, agent] as const];
  });
  return Object.fromEntries(left);
}

const withJoin = (agent: Json, more: Json): Json => ({
  ...agent,
  join: { ...objectIn(agent, "join"), ...more },
});

function withoutInsecure({ join, ...agent }: Json): Json {
  if (!isObject(join)) return join === undefined ? agent : { ...agent, join };
  const { insecure, ...rest } = join;
  return Object.keys(rest).length === 0 ? agent : { ...agent, join: rest };
}

export const formatNodeJson = (json: Json): string => `${JSON.stringify(json, undefined, 2)}\n`;

function objectIn(json: Json, key: string): Json {
  const found = json[key];
  return isObject(found) ? found : {};
}
