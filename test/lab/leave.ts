/** The end of a test file: what it used is sound to the last, and its DELs leave nothing. */
import { type Attached, detach } from "./attach.ts";
import type { Cluster } from "./cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "./cluster-invariants.ts";
import { assertNothingLeft, assertSound } from "./invariants.ts";
import type { Lab } from "./lab.ts";
import type { LabNode } from "./node.ts";
import type { Place } from "./place.ts";

/** Closes a lab of one node after the DELs of these containers, each with its configuration. */
export async function leave(
  lab: Lab,
  node: LabNode,
  all: readonly (readonly [conf: object, ...attached: Pick<Attached, "container">[]])[],
): Promise<void> {
  try {
    await assertSound([node]);
    for (const [conf, ...attached] of all) {
      for (const { container } of attached) await detach(node, container, conf);
    }
    await assertNothingLeft([node]);
  } finally {
    await lab.close();
  }
}

/** The same of a cluster. */
export async function leaveCluster(
  lab: Lab,
  cluster: Cluster,
  all: readonly (readonly [conf: object, ...places: Pick<Place, "node" | "container">[]])[],
): Promise<void> {
  try {
    await assertClusterSound(cluster);
    for (const [conf, ...places] of all) {
      for (const { node, container } of places) await detach(node, container, conf);
    }
    await assertClusterEmpty(cluster);
  } finally {
    await lab.close();
  }
}
