/** `cluster status`: what this machine is in a cluster, and how that is: looked at, never changed. */
import type { Host } from "../attach/host.ts";
import { openNode } from "../attach/node.ts";
import { underlayFault } from "../attach/tunnel.ts";
import { underlayLinkName } from "../attach/underlay.ts";
import { deadlineIn } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { listNetworks } from "../ipam/networks.ts";
import { formatVtep, readNodes } from "../ipam/nodes.ts";
import { readCertificate } from "../trust/certificate.ts";
import { namesOf, servicesOf } from "./bring-up.ts";
import { listEntrances } from "./entrances.ts";
import { type ClusterFiles, openFiles } from "./files.ts";
import { switchMs } from "./patience.ts";
import type { ClusterWorld } from "./world.ts";

export interface ClusterStatus {
  readonly node: string | undefined;
  readonly interface: string | undefined;
  readonly vtep: string | undefined;
  /** Why nothing reaches other machines; undefined where it does. */
  readonly underlay: string | undefined;
  readonly endpoints: readonly string[];
  /** "ok", or what is wrong. */
  readonly store: string;
  /** The state of its service; undefined where etcd is elsewhere. */
  readonly etcd: string | undefined;
  readonly agent: string;
  /** When this node's certificate ends; undefined where it has none. */
  readonly certificateUntil: string | undefined;
  /** Undefined where the store does not say. */
  readonly nodes: readonly string[] | undefined;
  /** Those of them whose agent runs. */
  readonly agents: readonly string[] | undefined;
  readonly networks: readonly string[] | undefined;
  /** The nodes that take in others. */
  readonly takesIn: readonly string[] | undefined;
}

/** Milliseconds that the store has for each answer. */
const storeMs = 4_000;

/** Undefined where this machine is in no cluster. */
export async function clusterStatus(
  world: ClusterWorld,
  chosen: string | undefined,
): Promise<ClusterStatus | undefined> {
  const files = openFiles(world, chosen);
  const config = files.config();
  if (config.store.type === "file") return undefined;
  const host = openNode(world, config);
  try {
    const certificate = await readCertificate(files.pki().cert ?? "");
    return {
      ...lookAtSelf(host),
      endpoints: config.store.endpoints,
      ...(await lookAtServices(world, files)),
      certificateUntil: certificate?.notAfter.toISOString(),
      ...(await lookAtStore(host)),
    };
  } finally {
    host.close();
  }
}

function lookAtSelf(host: Host) {
  const { node: name } = host.config;
  try {
    const { name: node, vtep } = host.ipam.node();
    const link = underlayLinkName(host);
    const underlay = link && underlayFault(host, link, deadlineIn(host.clock, switchMs));
    return { node, interface: link, vtep: vtep && formatVtep(vtep), underlay };
  } catch (fault) {
    // It has lost its address, or Open vSwitch is away.
    const nothing = { interface: undefined, vtep: undefined };
    return { node: name, ...nothing, underlay: reasonOf(fault) };
  }
}

async function lookAtServices(world: ClusterWorld, files: ClusterFiles) {
  const services = await servicesOf(world, files);
  const states: Record<string, string> = {};
  for (const name of namesOf(files)) {
    const { state, reason } = await services.status(name);
    states[name] = reason === undefined ? state : `${state}: ${reason}`;
  }
  return { agent: states.agent ?? "", etcd: states.etcd };
}

async function lookAtStore(host: Host) {
  const soon = () => deadlineIn(host.clock, storeMs);
  try {
    const registry = await host.ipam.registry();
    const nodes = await readNodes(registry, soon());
    const { keys, store } = registry;
    const sessions = (await store.range(keys.sessions, soon())).entries.map(({ key }) => key);
    return {
      store: "ok",
      nodes: [...nodes.keys()],
      agents: [...nodes.keys()].filter((node) => sessions.includes(keys.session(node))),
      networks: (await listNetworks(registry, soon())).map(({ network }) => network.name),
      takesIn: (await listEntrances(registry, soon())).map(({ node }) => node),
    };
  } catch (fault) {
    const nothing = {
      nodes: undefined,
      agents: undefined,
      networks: undefined,
      takesIn: undefined,
    };
    return { store: reasonOf(fault), ...nothing };
  }
}
