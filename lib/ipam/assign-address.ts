/** Gives an attachment an address of the blocks held, and claims more when they are full. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { type Assignment, type AttachmentId, blockName } from "./assignment.ts";
import { claimInto } from "./claim-into.ts";
import { type HeldNetwork, type NodeIpam, readCache, underLock } from "./held.ts";
import { type Network, type NetworkSpec, usable } from "./network.ts";
import { refuseDeleting } from "./networks.ts";
import { assign, hasAsked, type Want } from "./pool.ts";
import { refresh } from "./refresh.ts";

/** What to assign, without what the held network says. */
export interface Wish extends Omit<Want, "network" | "blocks"> {
  /** What the network is made from should it be gone meanwhile. */
  readonly spec?: NetworkSpec | undefined;
}

export interface Assigned {
  readonly assignment: Assignment;
  /** False where the attachment had it already: then it is not the caller's to take back. */
  readonly made: boolean;
  /** What is held now: more blocks than before, if one had to be claimed. */
  readonly held: HeldNetwork;
}

/**
 * Assigns an address of the blocks held, and claims one more block for as long as they are full.
 * Throws Failure "no-address" when no block is left, or the address asked for is another's.
 */
export async function assignAddress(
  ipam: NodeIpam,
  held: HeldNetwork,
  wish: Wish,
  deadline: Deadline,
): Promise<Assigned> {
  refuseUnusable(held.stored.network, wish.address);
  let now = held;
  for (;;) {
    const { network } = now.stored;
    const assigned = assign(ipam.dirs, { ...wish, network, blocks: now.blocks });
    if (assigned.outcome === "assigned") return { ...assigned, held: now };
    if (assigned.outcome === "taken") throw takenBy(wish, network.name, assigned.by);
    now = await claimMore(ipam, now, wish, deadline);
  }
}

async function claimMore(
  ipam: NodeIpam,
  tried: HeldNetwork,
  { address, mac, spec }: Pick<Wish, "address" | "mac" | "spec">,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const { network } = tried.stored;
  return underLock(ipam, network.name, deadline, async (folder) => {
    const known = new Set(tried.blocks.map(blockName));
    const now = readCache(folder);
    const grown = now?.blocks.some((block) => !known.has(blockName(block)));
    if (now !== undefined && grown === true) return now;
    // What was claimed by a process that died before it wrote it down is found here.
    const wanted = { name: network.name, spec };
    const fresh = await refresh(ipam, folder, wanted, "unable", deadline);
    refuseDeleting(fresh.stored.network);
    if (fresh.blocks.some((block) => !known.has(blockName(block)))) return fresh;
    const claim = { address, mac };
    let ready = fresh;
    if (address !== undefined || mac !== undefined) {
      // Its folder was gone, and is there again.
      if (fresh.blocks.some((block) => hasAsked(block, claim))) return fresh;
      const { clearFor } = await import("./single.ts");
      ready = await clearFor(ipam, folder, fresh, claim, deadline);
    }
    return claimInto(ipam, folder, ready, { ...claim, who: "unable" }, deadline);
  });
}

/** An address asked for must be one that a container of the network can have. */
function refuseUnusable(network: Network, address: Ip4 | undefined): void {
  if (address === undefined) return;
  const { first, last } = usable(network.subnet);
  const fits = address >= first && address <= last && address !== network.gateway;
  if (fits) return;
  throw new Failure(
    "invalid-config",
    `Cannot assign address ${formatIp4(address)} in network "${network.name}": it is ${address === network.gateway ? "the gateway" : `not a usable address of ${formatPrefix4(network.subnet)}`}`,
  );
}

function takenBy(wish: Wish, network: string, by: AttachmentId | undefined): Failure {
  const what =
    wish.address !== undefined
      ? `address ${formatIp4(wish.address)}`
      : wish.mac !== undefined
        ? `MAC ${formatMac(wish.mac)}`
        : "address";
  // No CNI name begins with "@": what does is the node's own.
  const who = by?.name.startsWith("@") ? "this node itself" : `container ${by?.containerId}`;
  const holder = by === undefined ? "" : ` by ${who}`;
  return new Failure(
    "no-address",
    `Cannot assign ${what} in network "${network}": it is taken${holder}`,
  );
}
