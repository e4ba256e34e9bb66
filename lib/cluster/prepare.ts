/** Looks at a machine that is to be of a cluster: interface, name, switch; changes nothing of it. */

import { attachedHere, shownAttachments } from "../attach/clear.ts";
import type { Host } from "../attach/host.ts";
import { openNode } from "../attach/node.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import type { ThisNode } from "../ipam/nodes.ts";
import { type NodeConfig, parseNodeConfig, type VtepConfig } from "../node-config.ts";
import type { VtepAddress } from "../store/keys.ts";
import { isName } from "../text.ts";
import type { Undo } from "../undo.ts";
import type { ClusterFiles } from "./files.ts";
import {
  type Candidate,
  type ChosenInterface,
  candidatesOf,
  chooseInterface,
} from "./interface.ts";
import { formatNodeJson } from "./node-json.ts";
import { switchMs } from "./patience.ts";
import { refuseDeaf } from "./underlay.ts";
import type { ClusterWorld, Say } from "./world.ts";

export interface Wish {
  /** --config. */
  readonly config: string | undefined;
  readonly name: string | undefined;
  readonly link: string | undefined;
  /** Go on where VXLAN could not leave. */
  readonly force: boolean;
}

export interface Prepared {
  readonly chosen: ChosenInterface;
  readonly self: ThisNode & { readonly vtep: VtepAddress };
  /** With the store that it is to have: not to be asked yet. */
  readonly host: Host;
  /** What is in the way; none of it was changed. */
  readonly faults: readonly Failure[];
}

/** Registers what takes the run directory away again, if there was none. */
export function prepare(
  world: ClusterWorld,
  files: ClusterFiles,
  { action, wish }: { readonly action: string; readonly wish: Wish },
  undo: Undo,
  say: Say,
): Prepared {
  const before = files.config();
  const chosen = told(chooseLink(world, before, wish.link));
  say(`takes interface ${chosen.link}: ${chosen.why}`);
  undoRunDir(world, before, undo);
  const host = openNode(world, provisional(files, { ...wish, link: chosen.link }));
  undo.add("connections", () => host.close());
  const self = { ...host.ipam.node(), vtep: chosen.address };
  const deadline = deadlineIn(world.clock, switchMs);
  const faults = collect([
    // What follows would say the same once more.
    () => host.database(deadline).transact([], deadline),
    () => {
      // One that is in a cluster by that name is known by it.
      if (before.store.type === "file") refuseLocalhost(action, self.name);
    },
    () => refuseAttached(host, action, deadline),
    () => {
      if (!wish.force) refuseDeaf(host, action, chosen.link, deadline);
    },
  ]);
  return { chosen, self, host, faults: faults.slice(0, isSwitchAway(faults) ? 1 : undefined) };
}

/** With those that are possible too: who reads it may mean another one. */
const told = (chosen: ChosenInterface): ChosenInterface =>
  chosen.others.length === 0
    ? chosen
    : { ...chosen, why: `${chosen.why}; also possible: ${chosen.others.join(", ")}` };

const isSwitchAway = ([first]: readonly Failure[]): boolean => first?.kind === "try-again";

function collect(looks: readonly (() => void)[]): readonly Failure[] {
  return looks.flatMap((look) => {
    try {
      look();
      return [];
    } catch (thrown) {
      return [asFailure(thrown)];
    }
  });
}

function chooseLink(
  world: ClusterWorld,
  { vtep, ovs }: NodeConfig,
  asked: string | undefined,
): ChosenInterface {
  const candidates = candidatesHere(world, ovs.bridge);
  if (asked !== undefined) return chooseInterface(candidates, { link: asked, by: "--interface" });
  const link = linkOf(vtep, candidates);
  const by = '"vtep" in node.json';
  return chooseInterface(candidates, link === undefined ? undefined : { link, by });
}

/** The links of this machine that come into question. */
export function candidatesHere(
  { kernel }: Pick<ClusterWorld, "kernel">,
  bridge: string,
): readonly Candidate[] {
  const links = kernel.links();
  try {
    return candidatesOf(links, bridge);
  } finally {
    links.close();
  }
}

/** To be called before the node is opened, which makes it. */
export function undoRunDir(
  { machine }: Pick<ClusterWorld, "machine">,
  { runDir }: NodeConfig,
  undo: Undo,
): void {
  if (machine.exists(runDir)) return;
  undo.add("the run directory", () => machine.removeTree(runDir));
}

function linkOf(vtep: VtepConfig, candidates: readonly Candidate[]): string | undefined {
  switch (vtep.by) {
    case "default route":
      return undefined;
    case "interface":
      return vtep.name;
    case "address":
      return candidates.find(({ addresses }) =>
        addresses.some(({ address }) => address === vtep.address.address),
      )?.link;
  }
}

/** The machine as it will be, but for where its store is. */
function provisional(files: ClusterFiles, { name, link }: Wish): NodeConfig {
  if (name !== undefined && !isName(name, 253)) {
    throw new Failure(
      "usage",
      `Cannot understand the command line: --name must be a name, not ${name}`,
      {
        details: "It has letters, digits, '-', '_' and '.', and begins with a letter or digit.",
      },
    );
  }
  const json = {
    ...files.json(),
    ...(name !== undefined && { node: name }),
    store: { type: "etcd", endpoints: ["http://127.0.0.1"] },
    vtep: { interface: link },
  };
  return parseNodeConfig(formatNodeJson(json), files.path);
}

/** What a machine is called that nobody gave a name: the next one is called so too. */
export function refuseLocalhost(action: string, name: string): void {
  if (!/^localhost(\.|$)/i.test(name)) return;
  throw new Failure("invalid-config", `Cannot ${action}: this machine is called "${name}"`, {
    details: "So are others that were given no name. Give it one for the cluster: --name NODE",
  });
}

/** Their addresses are of the embedded store, and nobody else knows of them. */
function refuseAttached(host: Host, action: string, deadline: Deadline): void {
  const attached = attachedHere(host, deadline);
  if (attached.length === 0) return;
  throw new Failure("network-conflict", `Cannot ${action}: containers are attached here`, {
    details: `Their addresses are known to this machine's embedded store alone. Remove them first: ${shownAttachments(attached)}`,
  });
}
