/**
 * `cluster bind`: says which interface VXLAN goes by. Before there is a cluster, for the one that is
 * made or joined then; afterwards the node moves to it at once, with its agent, and its containers
 * keep their addresses.
 */
import { openNode } from "../attach/node.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import { parseNodeConfig } from "../node-config.ts";
import { type Undo, withUndo } from "../undo.ts";
import { awaitUp, servicesOf } from "./bring-up.ts";
import { type ClusterFiles, openFiles } from "./files.ts";
import { chooseInterface } from "./interface.ts";
import { formatNodeJson, withInterface } from "./node-json.ts";
import { switchMs } from "./patience.ts";
import { candidatesHere, undoRunDir } from "./prepare.ts";
import { refuseDeaf } from "./underlay.ts";
import { type ClusterWorld, openPatience, type Say } from "./world.ts";

export interface BindWish {
  readonly config: string | undefined;
  readonly link: string;
  readonly force: boolean;
}

export interface Bound {
  readonly link: string;
  readonly vtep: string;
  /** Whether a node of a cluster was moved, or it is for the cluster to come. */
  readonly cluster: "moved" | "as it was" | "to come";
}

export async function bindInterface(world: ClusterWorld, wish: BindWish, say: Say): Promise<Bound> {
  const action = `bind interface "${wish.link}"`;
  const files = openFiles(world, wish.config);
  return files.alone(action, () => bind(world, files, { ...wish, action }, say));
}

async function bind(
  world: ClusterWorld,
  files: ClusterFiles,
  { link, force, action }: BindWish & { readonly action: string },
  say: Say,
): Promise<Bound> {
  const patient = openPatience(action, world.interrupted());
  const before = files.config();
  const candidates = candidatesHere(world, before.ovs.bridge);
  const chosen = chooseInterface(candidates, { link, by: "the command line" });
  const vtep = formatVtep(chosen.address);
  return withUndo(world.log("warn"), async (undo) => {
    const json = withInterface(files.json(), link);
    if (!force) refuseDeafHere(world, files, { action, link, json: formatNodeJson(json) }, undo);
    const isMember = before.store.type === "etcd";
    if (isMember && files.runsEtcd()) refuseMoved(files, action, vtep);
    undo.add("node.json", files.writeNodeJson(json));
    if (!isMember) return { link, vtep, cluster: "to come" };
    if (before.vtep.by === "interface" && before.vtep.name === link) {
      return { link, vtep, cluster: "as it was" };
    }
    say("restarts the agent");
    const services = await servicesOf(world, files);
    undo.add("the agent", () => services.restart("agent"));
    await services.restart("agent");
    const up = await awaitUp(world, files, { services, patient });
    up.close();
    return { link, vtep, cluster: "moved" };
  });
}

function refuseDeafHere(
  world: ClusterWorld,
  files: ClusterFiles,
  { action, link, json }: { readonly action: string; readonly link: string; readonly json: string },
  undo: Undo,
): void {
  const config = parseNodeConfig(json, files.path);
  undoRunDir(world, config, undo);
  const host = openNode(world, config);
  try {
    refuseDeaf(host, action, link, deadlineIn(world.clock, switchMs));
  } finally {
    host.close();
  }
}

/** The other nodes reach the cluster's etcd by its address. */
function refuseMoved(files: ClusterFiles, action: string, vtep: string): void {
  const { store } = files.config();
  const endpoints = store.type === "etcd" ? store.endpoints : [];
  const host = vtep.includes(":") ? `[${vtep}]` : vtep;
  if (endpoints.some((one) => one.includes(`//${host}:`))) return;
  throw new Failure(
    "invalid-config",
    `Cannot ${action}: its address is ${vtep}, and the cluster's etcd here is known by another`,
    {
      details: `Every node has ${endpoints} in its node.json. Give the interface that address; or leave with all nodes, and make the cluster anew.`,
    },
  );
}
