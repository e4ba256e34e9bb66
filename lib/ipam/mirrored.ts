/** What agents write down in the store of their nodes' containers: read, for people. */
import { isObject, parseJson } from "../json.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Keys } from "../store/keys.ts";
import type { Entry } from "../store/store.ts";
import type { AttachmentId } from "./assignment.ts";

/** An assignment of a node's; nothing depends on it. */
export interface MirroredAssignment {
  readonly network: string;
  readonly address: Ip4;
  readonly node: string;
  readonly id: AttachmentId;
  readonly mac: string;
  /** As the runtime said it: K8S_POD_NAME and others. */
  readonly workload: Readonly<Record<string, unknown>>;
}

/** Undefined for what is no assignment. */
export function mirroredOf(keys: Keys, { key, value }: Entry): MirroredAssignment | undefined {
  const parts = keys.parse(key);
  const json = parseJson(value);
  if (parts?.kind !== "assignment" || !isObject(json)) return undefined;
  const { network, address } = parts;
  const { name, containerId, ifname, mac, node, workload } = json;
  if (typeof name !== "string" || typeof containerId !== "string" || typeof ifname !== "string")
    return undefined;
  if (typeof mac !== "string" || typeof node !== "string") return undefined;
  const id = { name, containerId, ifname };
  const said = isObject(workload) ? workload : {};
  return { network, address, id, mac, node, workload: said };
}

/** As people name it, of what the runtime said: shop/web-0; undefined where it is no pod. */
export function podOf({
  K8S_POD_NAMESPACE: namespace,
  K8S_POD_NAME: name,
}: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof name !== "string") return undefined;
  return typeof namespace === "string" && namespace !== "" ? `${namespace}/${name}` : name;
}
