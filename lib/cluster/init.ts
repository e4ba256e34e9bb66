/**
 * `cluster init`: makes this machine the first of a cluster.
 *
 * Each deed finds what is there already, so that an init that was killed is ended by the next, and a
 * second one changes nothing; and each has its undo, for what fails and for Ctrl-C.
 */
import { dropNetwork } from "../attach/drop.ts";
import type { Host } from "../attach/host.ts";
import { openNode } from "../attach/node.ts";
import { reachable4 } from "../attach/reachable.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { chooseSubnet } from "../ipam/choose-subnet.ts";
import { ensureNetwork, listNetworks } from "../ipam/networks.ts";
import { formatVtep } from "../ipam/nodes.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import type { ServiceName } from "../service/services.ts";
import type { Authority } from "../trust/authority.ts";
import { type Undo, withUndo } from "../undo.ts";
import { awaitUp, leaveEmbedded, servicesOf, startServices } from "./bring-up.ts";
import { endpointOf, formatEtcdSettings } from "./etcd-settings.ts";
import { type ClusterFiles, etcdDataDir, openFiles } from "./files.ts";
import { inTheWay, withoutUnits } from "./in-the-way.ts";
import { membershipOf, refuseOther, throwFaults } from "./membership.ts";
import { type StoreTls, withCluster } from "./node-json.ts";
import { storeMs } from "./patience.ts";
import { pkiTls } from "./pki.ts";
import { type Prepared, prepare, type Wish } from "./prepare.ts";
import { createToken } from "./tokens.ts";
import { makeTrust } from "./trust.ts";
import { type ClusterWorld, openPatience, type Say } from "./world.ts";

export interface InitWish extends Wish {
  /** Without certificates and tokens. */
  readonly insecure: boolean;
  /** An etcd that is there; empty: one is started here. */
  readonly endpoints: readonly string[];
  /** For that etcd, paths of files. */
  readonly tls: StoreTls | undefined;
}

export interface Founded {
  readonly node: string;
  readonly link: string;
  readonly why: string;
  readonly vtep: string;
  readonly endpoints: readonly string[];
  /** The network that was made, if one was. */
  readonly network: { readonly name: string; readonly subnet: string } | undefined;
  /** To join with; undefined where none is needed, or the cluster was there. */
  readonly token: string | undefined;
  /** Networks of the embedded store, which come back when this machine leaves. */
  readonly setAside: readonly string[];
  /** It was so before. */
  readonly already: boolean;
}

const action = "make a cluster";
const prefix = "/socketplane/v1";

export async function initCluster(world: ClusterWorld, wish: InitWish, say: Say): Promise<Founded> {
  const files = openFiles(world, wish.config);
  return files.alone(action, () => found(world, files, wish, say));
}

async function found(
  world: ClusterWorld,
  files: ClusterFiles,
  wish: InitWish,
  say: Say,
): Promise<Founded> {
  const patient = openPatience(action, world.interrupted());
  const already = isFounded(files, wish);
  const secure = wish.endpoints.length === 0 && !wish.insecure;
  return withUndo(world.log("warn"), async (undo) => {
    const prepared = prepare(world, files, { action, wish }, undo, say);
    const endpoints = endpointsFor(prepared, wish, secure);
    const inWay = already
      ? sameAs(files, endpoints)
      : await obstacles(world, files, prepared, wish);
    throwFaults(action, [...prepared.faults, ...inWay]);
    prepared.host.close();
    patient.goOn();
    const authority = secure ? await makeTrust(world, files, prepared.self, undo) : undefined;
    patient.goOn();
    const setAside = already ? [] : await leaveEmbedded(world, files, undo);
    await writeFiles(world, files, { prepared, wish, endpoints, secure }, undo);
    say(files.runsEtcd() ? "starts etcd and the agent" : "starts the agent");
    const services = await startServices(world, files, undo);
    patient.goOn();
    const up = await awaitUp(world, files, { services, patient });
    try {
      const network = await makeDefault(world, up, undo);
      if (network !== undefined) say(`makes network ${network.name}, ${network.subnet}`);
      patient.goOn();
      const token = already ? undefined : authority && (await tokenFor(world, up, authority));
      const { link, why, address } = prepared.chosen;
      const about = { node: prepared.self.name, link, why, vtep: formatVtep(address) };
      return { ...about, endpoints, network, token, setAside, already };
    } finally {
      up.close();
    }
  });
}

async function obstacles(
  world: ClusterWorld,
  files: ClusterFiles,
  prepared: Prepared,
  wish: InitWish,
): Promise<readonly Failure[]> {
  const names: readonly ServiceName[] = wish.endpoints.length > 0 ? ["agent"] : ["etcd", "agent"];
  const units = await withoutUnits(await servicesOf(world, files), names);
  return [...units, ...(await inTheWay(world, files, prepared, wish))];
}

/** By which the nodes reach etcd. */
const endpointsFor = (
  { chosen }: Prepared,
  { endpoints }: InitWish,
  secure: boolean,
): readonly string[] =>
  endpoints.length > 0 ? endpoints : [endpointOf(chosen.address, { secure })];

/** The other nodes know etcd by its address. */
function sameAs(files: ClusterFiles, endpoints: readonly string[]): readonly Failure[] {
  const { store } = files.config();
  if (store.type === "file" || `${store.endpoints}` === `${endpoints}`) return [];
  const state = `this machine's is at ${store.endpoints}, not at ${endpoints}`;
  return [
    new Failure("invalid-config", `Cannot ${action}: ${state}`, {
      details: "Another interface is taken by: socketplane cluster bind NAME",
    }),
  ];
}

async function writeFiles(
  world: ClusterWorld,
  files: ClusterFiles,
  {
    prepared: { chosen, self },
    wish,
    endpoints,
    secure,
  }: {
    readonly prepared: Prepared;
    readonly wish: InitWish;
    readonly endpoints: readonly string[];
    readonly secure: boolean;
  },
  undo: Undo,
): Promise<void> {
  const runsEtcd = wish.endpoints.length === 0;
  const { kind } = await servicesOf(world, files);
  if (runsEtcd) {
    if (!world.machine.exists(etcdDataDir)) {
      undo.add("etcd's data", () => world.machine.removeTree(etcdDataDir));
    }
    const tls = secure ? absolute(files, pkiTls) : undefined;
    const settings = { node: self.name, address: chosen.address, dataDir: etcdDataDir, tls };
    undo.add("etcd's settings", files.writeEtcd(formatEtcdSettings(settings)));
  }
  const part = {
    ...{ node: self.name, link: chosen.link, endpoints, prefix },
    tls: secure ? pkiTls : wish.tls,
    insecure: wish.insecure,
    // Where there is systemd, it has a unit of its own.
    etcd: runsEtcd && kind === "processes" ? files.etcdPath : undefined,
  };
  undo.add("node.json", files.writeNodeJson(withCluster(files.json(), part)));
}

async function tokenFor(world: ClusterWorld, up: Host, { hash }: Authority): Promise<string> {
  const registry = await up.ipam.registry();
  const now = new Date(world.wallClock());
  return createToken(registry, { authority: hash, now }, deadlineIn(world.clock, storeMs));
}

/** Whether it is this cluster's first machine already. Throws where it is another's. */
function isFounded(files: ClusterFiles, { name, endpoints }: InitWish): boolean {
  const config = files.config();
  const pki = files.pki();
  const found = membershipOf(config, {
    runsEtcd: files.runsEtcd(),
    hasCertificate: pki.cert !== undefined,
  });
  if (found.is === "alone") return false;
  const isSame =
    found.is === "founder"
      ? endpoints.length === 0
      : !found.joined && `${found.endpoints}` === `${endpoints}`;
  if (isSame && (name === undefined || name === config.node)) return true;
  throw refuseOther(action, files.path, found.endpoints);
}

/** Seen from wherever etcd runs. */
const absolute = ({ folder }: ClusterFiles, { ca, cert, key }: typeof pkiTls) => ({
  ca: `${folder}/${ca}`,
  cert: `${folder}/${cert}`,
  key: `${folder}/${key}`,
});

const defaultNetwork = "default";

/** In the first private range that this machine reaches nothing in; undefined where networks are. */
async function makeDefault(
  world: ClusterWorld,
  host: Host,
  undo: Undo,
): Promise<Founded["network"]> {
  const registry = await host.ipam.registry();
  const deadline = () => deadlineIn(host.clock, storeMs);
  if ((await listNetworks(registry, deadline())).length > 0) return undefined;
  const subnet = chooseSubnet(reachable4(host));
  await ensureNetwork(registry, { name: defaultNetwork, subnet }, deadline());
  undo.add("the network", async () => {
    const again = openNode(world, host.config);
    await dropNetwork(again, defaultNetwork, deadline());
    again.close();
  });
  return { name: defaultNetwork, subnet: formatPrefix4(subnet) };
}
