/** Two networks of a node, as unlike as they can be, with two containers in each. */
import { type Attached, attach } from "./attach.ts";
import type { LabNode } from "./node.ts";

/** Of both families, and narrower than the underlay would let it be. */
export const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
  mtu: 1300,
};
export const db = { cniVersion: "1.1.0", name: "db", type: "socketplane", subnet: "10.3.0.0/16" };

/** ADDs two containers to each, one after the other. */
export async function addPairs(
  node: LabNode,
): Promise<{ readonly webs: readonly Attached[]; readonly dbs: readonly Attached[] }> {
  const add = (conf: object) => attach(node, node.addContainer(), conf);
  return { webs: [await add(web), await add(web)], dbs: [await add(db), await add(db)] };
}
