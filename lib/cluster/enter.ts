/**
 * `cluster join`: brings this machine into a cluster that is there. What fails, and Ctrl-C, leaves
 * it as it was; but a token that was sent may be used by then.
 */
import { openNode } from "../attach/node.ts";
import { deadlineIn } from "../deadline.ts";
import { formatVtep, type ThisNode } from "../ipam/nodes.ts";
import { removeNode } from "../ipam/remove-node.ts";
import { hashOfAuthority } from "../trust/authority.ts";
import type { Token } from "../trust/token.ts";
import { type Undo, withUndo } from "../undo.ts";
import { awaitUp, leaveEmbedded, servicesOf, startServices } from "./bring-up.ts";
import type { Endpoint } from "./drivers.ts";
import { type ClusterFiles, openFiles } from "./files.ts";
import { withoutUnits } from "./in-the-way.ts";
import { type Joined, joinAnyOf } from "./join.ts";
import { membershipOf, refuseOther, throwFaults } from "./membership.ts";
import { withCluster } from "./node-json.ts";
import { storeMs } from "./patience.ts";
import { pkiTls } from "./pki.ts";
import { type Prepared, prepare, type Wish } from "./prepare.ts";
import { needsToken, waysIn } from "./ways-in.ts";
import { type ClusterWorld, openPatience, type Say } from "./world.ts";

export interface EnterWish extends Wish {
  readonly token: Token | undefined;
  /** Without a token, to trust whoever answers. */
  readonly insecure: boolean;
  /** Where to ask; undefined: looked for by multicast DNS. */
  readonly at: Endpoint | undefined;
}

export interface Entered {
  readonly node: string;
  readonly link: string;
  readonly why: string;
  readonly vtep: string;
  readonly endpoints: readonly string[];
  /** Networks of the embedded store, which come back when this machine leaves. */
  readonly setAside: readonly string[];
  /** It was in it before. */
  readonly already: boolean;
}

const action = "join a cluster";

export async function enterCluster(
  world: ClusterWorld,
  wish: EnterWish,
  say: Say,
): Promise<Entered> {
  const files = openFiles(world, wish.config);
  return files.alone(action, () => enter(world, files, wish, say));
}

async function enter(
  world: ClusterWorld,
  files: ClusterFiles,
  wish: EnterWish,
  say: Say,
): Promise<Entered> {
  const patient = openPatience(action, world.interrupted());
  const already = await isIn(files, wish);
  return withUndo(world.log("warn"), async (undo) => {
    const prepared = prepare(world, files, { action, wish: asIs(files, wish, already) }, undo, say);
    const units = await withoutUnits(await servicesOf(world, files), ["agent"]);
    throwFaults(action, already ? [] : [...prepared.faults, ...units]);
    prepared.host.close();
    patient.goOn();
    let setAside: readonly string[] = [];
    if (!already) {
      const joined = await patient.unlessInterrupted(ask(world, prepared, wish, say));
      setAside = await leaveEmbedded(world, files, undo);
      writeFiles(files, prepared, joined, undo);
      undo.add("the registration", () => forget(world, files, prepared.self));
    }
    say("starts the agent");
    const services = await startServices(world, files, undo);
    const up = await awaitUp(world, files, { services, patient });
    up.close();
    patient.goOn();
    const { store } = files.config();
    const endpoints = store.type === "etcd" ? store.endpoints : [];
    const { link, why, address } = prepared.chosen;
    const about = { node: prepared.self.name, link, why, vtep: formatVtep(address) };
    return { ...about, endpoints, setAside, already };
  });
}

/** Whether it is in the cluster already. Throws where it is in another one. */
async function isIn(files: ClusterFiles, { token, name }: EnterWish): Promise<boolean> {
  const config = files.config();
  const { ca, cert } = files.pki();
  const found = membershipOf(config, {
    runsEtcd: files.runsEtcd(),
    hasCertificate: cert !== undefined,
  });
  if (found.is === "alone") return false;
  const own = ca === undefined ? undefined : await hashOfAuthority(ca);
  const isSame = token === undefined || token.authority === own;
  if (isSame && (name === undefined || name === config.node)) return true;
  throw refuseOther(action, files.path, found.endpoints);
}

/** One that is in the cluster keeps its interface, and goes on however its underlay is. */
const asIs = (files: ClusterFiles, wish: EnterWish, already: boolean): Wish => {
  const { vtep } = files.config();
  if (!already) return wish;
  return { ...wish, link: vtep.by === "interface" ? vtep.name : undefined, force: true };
};

/** Asks whoever was found, until one takes it in. */
async function ask(
  world: ClusterWorld,
  { chosen, self }: Prepared,
  { token, insecure, at }: EnterWish,
  say: Say,
): Promise<Joined> {
  if (at === undefined) say("looks for the cluster");
  else if (token === undefined && !insecure) throw needsToken();
  const { link, address } = chosen;
  const ways =
    at === undefined ? await waysIn(world.joining, { token, insecure, link, address }) : [at];
  const about = { token, node: self.name, vtep: formatVtep(address), machineId: self.machineId };
  return joinAnyOf(world.joining, ways, about, { clock: world.clock, say });
}

function writeFiles(
  files: ClusterFiles,
  { chosen, self }: Prepared,
  { identity, endpoints, prefix }: Joined,
  undo: Undo,
): void {
  if (identity !== undefined) undo.add("certificates", files.writePki(identity));
  const part = {
    ...{ node: self.name, link: chosen.link, endpoints, prefix },
    tls: identity && pkiTls,
    insecure: false,
    etcd: undefined,
  };
  undo.add("node.json", files.writeNodeJson(withCluster(files.json(), part)));
}

/** Takes what its agent has written of it out of the store. */
async function forget(
  world: ClusterWorld,
  files: ClusterFiles,
  { name, machineId }: ThisNode,
): Promise<void> {
  const host = openNode(world, files.config());
  try {
    const registry = await host.ipam.registry();
    const own = { force: true, machineId };
    await removeNode(registry, name, own, deadlineIn(world.clock, storeMs));
  } finally {
    host.close();
  }
}
