/**
 * What node.json becomes when its machine joins a cluster or leaves it: pure. Keys that are none of
 * a cluster's stay as they are, and so does their order.
 */
import { Failure } from "../errors.ts";
import { isObject, type Json, parseJson } from "../json.ts";

/** What a cluster says in node.json. */
export interface ClusterPart {
  readonly node: string;
  readonly link: string;
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** Seen from node.json; undefined for a cluster that was made with --insecure. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** Where the etcd that this node runs has its settings; undefined where it runs none. */
  readonly etcd: string | undefined;
}

/** The keys that a cluster gives, and takes with it. */
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
  const { node, link, endpoints, prefix, tls, etcd } = part;
  return {
    ...before,
    node,
    store: { type: "etcd", endpoints, prefix, ...(tls && { tls }) },
    vtep: { interface: link },
    ...(etcd !== undefined && { etcd: { ...objectIn(before, "etcd"), config: etcd } }),
  };
}

/** Says by which link VXLAN goes, and leaves all else. */
export const withInterface = (before: Json, link: string): Json => ({
  ...before,
  vtep: { interface: link },
});

/** What is left of it when the cluster's keys are taken out; undefined for nothing. */
export function withoutCluster(json: Json): Json | undefined {
  const rest = Object.entries(json).filter(([key]) => !given.some((one) => one === key));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

export const formatNodeJson = (json: Json): string => `${JSON.stringify(json, undefined, 2)}\n`;

function objectIn(json: Json, key: string): Json {
  const found = json[key];
  return isObject(found) ? found : {};
}
