/** What a machine is in a cluster, by its files: pure. */
import { Failure } from "../errors.ts";
import type { NodeConfig } from "../node-config.ts";

export type Membership =
  /** It has the embedded store. */
  | { readonly is: "alone" }
  /** It runs the cluster's etcd. */
  | { readonly is: "founder"; readonly endpoints: readonly string[] }
  /** It reaches a cluster's etcd elsewhere; `joined`: by a certificate of the cluster's authority. */
  | { readonly is: "member"; readonly endpoints: readonly string[]; readonly joined: boolean };

export function membershipOf(
  { store }: Pick<NodeConfig, "store">,
  files: { readonly runsEtcd: boolean; readonly hasCertificate: boolean },
): Membership {
  if (store.type === "file") return { is: "alone" };
  const { endpoints } = store;
  if (files.runsEtcd) return { is: "founder", endpoints };
  return { is: "member", endpoints, joined: files.hasCertificate };
}

/** Says that it is in a cluster already, to who asks for another one. */
export const refuseOther = (action: string, path: string, endpoints: readonly string[]): Failure =>
  new Failure("invalid-config", `Cannot ${action}: this machine is in one, at ${endpoints}`, {
    details: `${path} says so. See it: socketplane cluster status. Leave it first: socketplane cluster leave`,
  });

/** One failure of several, with what to do about each. */
export function throwFaults(action: string, faults: readonly Failure[]): void {
  const [only, ...more] = faults;
  if (only === undefined) return;
  if (more.length === 0) throw only;
  const told = faults.flatMap(({ message, details }) => [
    `- ${message}`,
    ...(details === undefined ? [] : details.split("\n").map((line) => `  ${line}`)),
  ]);
  throw new Failure(only.kind, `Cannot ${action}: ${faults.length} things are in the way`, {
    details: told.join("\n"),
  });
}
