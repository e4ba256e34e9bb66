/** Many keys written to a cluster's etcd at once: nodes that are only written down. */
import type { Cluster } from "./cluster.ts";
import { must } from "./run.ts";

export interface Put {
  /** Without the prefix. */
  readonly key: string;
  readonly value: unknown;
}

/** As many as etcd takes in one transaction, and some to spare. */
const atOnce = 100;

/** Writes these, from one of its nodes. */
export async function putAll({ etcd, nodes }: Cluster, puts: readonly Put[]): Promise<void> {
  const [endpoint = ""] = etcd.endpoints;
  const [from] = nodes;
  if (from === undefined) throw new Error("Cannot write to the store: the cluster has no node");
  const lines = puts.map(
    ({ key, value }) => `put /socketplane/v1/${key} ${JSON.stringify(JSON.stringify(value))}`,
  );
  for (let at = 0; at < lines.length; at += atOnce) {
    const stdin = ["", ...lines.slice(at, at + atOnce), "", "", ""].join("\n");
    const argv = ["etcdctl", "--endpoints", endpoint, "txn"];
    const env = { PATH: process.env.PATH ?? "", ETCDCTL_API: "3" };
    await must({ netns: from.netns, argv, stdin, env });
  }
}
