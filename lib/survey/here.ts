/** This node as its run directory has it: read, never written. See survey.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { isOwnAddress, outerName } from "../attach/names.ts";
import { isWithLinks } from "../attach/sweep.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { isHeld, listAssignments } from "../ipam/assignments.ts";
import { lostContainers } from "../ipam/folders.ts";
import { isFresh, storeAway } from "../ipam/freshness.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import { type KnownNames, knownNames } from "../ipam/known-names.ts";
import { type PeerLease, readPeers } from "../ipam/peers.ts";

export interface NodeFacts {
  /** "absent" until something is done on this node; "void" is of an earlier boot. */
  readonly runDir: "there" | "absent" | "void";
  /** Begun ones and the node's own addresses included. */
  readonly assignments: readonly LocalAssignment[];
  /** Of each network that this node has to do with. */
  readonly networks: readonly CachedNetwork[];
  /** Whether an agent keeps the caches up to date. */
  readonly isKept: boolean;
  /** Why the store was away, if one of this node's commands has just waited for it in vain. */
  readonly storeAway: string | undefined;
  /** As they were seen last. */
  readonly names: KnownNames;
}

export interface LocalAssignment extends Assignment {
  /** Of the node itself in the network, and no container's. */
  readonly isOwn: boolean;
  /** Whether the address is linked: it is this attachment's, and nobody else's. */
  readonly isHeld: boolean;
  /** The host end of its veth pair. */
  readonly link: string;
  /** "unseen" where we do not run where the links are, or the port is another plugin's. */
  readonly state: "alive" | "gone" | "unseen";
}

export interface CachedNetwork {
  readonly name: string;
  /** Undefined where nothing is cached. */
  readonly held: HeldNetwork | undefined;
  /** Since it was read of the store, milliseconds. */
  readonly ageMs: number | undefined;
  /** Whether it is used unasked: it is young, or the agent keeps it up to date. */
  readonly isFresh: boolean;
  /** What the other nodes hold. */
  readonly peers: readonly PeerLease[];
  /** Containers whose block is not this node's any more. */
  readonly lost: readonly Assignment[];
}

/** Throws what reading the folder, or asking the kernel for its links, throws. */
export function readHere(host: Host): NodeFacts {
  const { run, ipam, kernel } = host;
  const { dirs, sinceBoot } = ipam;
  const times = { run, sinceBoot };
  const boot = run.read("boot");
  const runDir = boot === undefined ? "absent" : boot === kernel.bootId() ? "there" : "void";
  const common = { names: knownNames(run) };
  if (runDir !== "there") {
    const nothing = { assignments: [], networks: [], isKept: false, storeAway: undefined };
    return { ...common, runDir, ...nothing };
  }
  const stateOf = stateBy(host);
  return {
    ...common,
    runDir,
    assignments: listAssignments(dirs).map((one) => ({
      ...one,
      isOwn: isOwnAddress(one.id),
      isHeld: isHeld(dirs, one),
      link: isOwnAddress(one.id) ? one.id.ifname : outerName(one.id),
      state: stateOf(one),
    })),
    networks: dirs.networks.list().map((name) => {
      const held = heldNow(dirs, name);
      return {
        name,
        held,
        ageMs: held && Math.max(0, sinceBoot() - held.readAt),
        isFresh: held !== undefined && isFresh(times, held.readAt),
        peers: readPeers(dirs, name),
        lost: lostContainers(dirs, name),
      };
    }),
    isKept: isFresh(times, Number.NEGATIVE_INFINITY),
    storeAway: storeAway(times, "able"),
  };
}

/** The kernel is asked once for all links. */
function stateBy(host: Host): (one: Assignment) => LocalAssignment["state"] {
  if (!isWithLinks(host)) return () => "unseen";
  const links = host.links().list();
  const names = new Set(links.map(({ name }) => name));
  return ({ id, ofport }) => {
    if (ofport === undefined) return "unseen";
    const link = isOwnAddress(id) ? id.ifname : outerName(id);
    return names.has(link) ? "alive" : "gone";
  };
}
