/**
 * Makes what a plan says: pair, port, flows.
 *
 * The order is for speed: the switch adds the port while the container's end is set up; both are
 * waited for at the end.
 */
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import type { HeldNetwork } from "../ipam/held.ts";
import type { Mac } from "../net/mac.ts";
import { attachmentFlows } from "../overlay/attachment.ts";
import { attachmentCookie, only } from "../overlay/cookies.ts";
import { metersOf, withoutMeters } from "../overlay/meters.ts";
import { listOf, type OperationResult } from "../ovs/ovsdb-json.ts";
import type { FlowChange, Pending } from "../ovs/switch.ts";
import { refusedWith } from "../sys/errno.ts";
import type { Link, Links, Netns } from "../sys/kernel.ts";
import type { Undo } from "../undo.ts";
import { selectDatapath } from "./bridge-rows.ts";
import { askForState, ensureGateway } from "./gateway.ts";
import type { Host } from "./host.ts";
import { disableIp6, outerName } from "./names.ts";
import {
  type AttachmentPlan,
  addRoute,
  configureInner,
  createPair,
  portOf,
  rowOf,
  type WantedRoute,
} from "./plan.ts";
import { givenPort, readPort } from "./ports.ts";
import { removePort } from "./remove.ts";
import { addAttachment, awaitOfport } from "./rows.ts";

/** Whether the container gets a default route here: where it has none, unless it is said. */
export type DefaultRoute = "set" | "none" | "if absent";

export interface Connected {
  readonly outer: { readonly name: string; readonly mac: Mac | undefined };
  /** The default routes that were set. */
  readonly defaultRoutes: readonly WantedRoute[];
}

export async function connect(
  host: Host,
  plan: AttachmentPlan,
  place: {
    readonly netns: Netns;
    readonly defaultRoute: DefaultRoute;
    readonly held: HeldNetwork;
  },
  undo: Undo,
  deadline: Deadline,
): Promise<Connected> {
  const { ofport } = plan.assignment;
  if (ofport === undefined) throw new Error("an attachment without a port number");
  const { bridge } = host.config.ovs;
  // Shared: a full synchronisation waits for what is under way here, and the other way round.
  let unlock = host.run.lock("switch.lock", "shared", deadline);
  try {
    createLinks(host, plan, place.netns);
    undo.add("remove the links", () => host.startDeleting(plan.outer)?.finish(cleanUp(host)));

    const database = host.database(deadline);
    const insert = [selectDatapath(bridge), ...addAttachment(bridge, rowOf(plan, ofport))];
    let added = database.send(insert, deadline);
    undo.add("remove the port", () => {
      const until = cleanUp(host);
      const release = host.run.lock("switch.lock", "shared", until);
      try {
        removePort(host, plan.outer, { ofport, limits: plan.assignment.limits }, until);
      } finally {
        release();
      }
    });
    let ready = database.send(awaitOfport(plan.outer, deadline.left()), deadline);

    // The switch is at work, and answers when it is done: time for the container's end.
    const state = askForState(host, place.held, deadline);
    if (plan.network.subnet6 !== undefined) {
      host.kernel.writeSysctl(disableIp6(plan.inner), "0", place.netns);
    }
    const inside = host.kernel.links(place.netns);
    try {
      const defaultRoutes = setUpInner(inside, plan, place.defaultRoute);

      if (state(deadline) !== "complete") {
        unlock();
        await ensureGateway(host, place.held, undefined, deadline);
        unlock = host.run.lock("switch.lock", "shared", deadline);
        if (!isPlugged(added.results(deadline))) {
          // There was no bridge; there is one now, and the port may have been put on it.
          const { onBridge } = readPort(host, plan.outer, deadline);
          added = database.send(onBridge ? insert.slice(0, 1) : insert, deadline);
          ready = database.send(awaitOfport(plan.outer, deadline.left()), deadline);
        }
      }
      const staged = stageFlows(host, plan, ofport, deadline);
      if (datapathOf(added, bridge, deadline) === "netdev") {
        inside.checksumOffloadOff(plan.inner);
      }
      checkOfport(plan, ready, ofport, deadline);
      const { mac } = keepUp(host, plan);
      staged.commit(deadline);
      return { outer: { name: plan.outer, mac }, defaultRoutes };
    } finally {
      inside.close();
    }
  } finally {
    unlock();
  }
}

/** In place of what an attachment before may have left by that number. */
function stageFlows(host: Host, plan: AttachmentPlan, ofport: number, deadline: Deadline) {
  const changes: FlowChange[] = [{ do: "delete", cookies: only(attachmentCookie(ofport)) }];
  const port = portOf(plan, ofport);
  for (const flow of attachmentFlows(port)) changes.push({ do: "add", flow });
  const flows = host.flows(deadline);
  if (port.limits !== undefined) {
    const meters = metersOf(port).map((meter) => ({ do: "add", meter }) as const);
    flows.changeMeters([...withoutMeters(ofport), ...meters], deadline);
  }
  return flows.stage(changes, deadline);
}

/** Undoing has a deadline of its own: the other one may be what failed. */
const cleanUp = (host: Host): Deadline => deadlineIn(host.clock, 5_000);

function createLinks(host: Host, plan: AttachmentPlan, netns: Netns): void {
  try {
    host.links().apply([createPair(plan, netns)]);
  } catch (fault) {
    if (!refusedWith(fault, "EEXIST")) throw fault;
    refuseAttached(host, plan.assignment.id, netns);
    throw new Failure(
      "attachment-exists",
      `Cannot create interface "${plan.inner}" in ${netns.path}: the container has one of that name already`,
      { details: "Give another CNI_IFNAME.", cause: fault },
    );
  }
}

/** Throws Failure "attachment-exists" if the attachment has its link already. */
export function refuseAttached(host: Host, id: AttachmentId, netns: Netns): void {
  if (host.links().get(outerName(id)) === undefined) return;
  throw new Failure(
    "attachment-exists",
    `Cannot create interface "${id.ifname}" in ${netns.path}: container ${id.containerId} is attached by it already`,
    { details: "Call DEL for it first." },
  );
}

function setUpInner(
  inside: Links,
  plan: AttachmentPlan,
  defaultRoute: DefaultRoute,
): readonly WantedRoute[] {
  const link = inside.get(plan.inner);
  if (link === undefined) {
    throw new Failure("try-again", `Cannot set up "${plan.inner}": it went away meanwhile`);
  }
  if (defaultRoute === "set") {
    const defaults = plan.defaultRoutes.map((route) => addRoute(plan, route, link.index));
    inside.apply([...configureInner(plan, link.index), ...defaults]);
    return plan.defaultRoutes;
  }
  inside.apply(configureInner(plan, link.index));
  const set: WantedRoute[] = [];
  for (const route of defaultRoute === "none" ? [] : plan.defaultRoutes) {
    try {
      inside.apply([addRoute(plan, route, link.index)]);
      set.push(route);
    } catch (fault) {
      if (!refusedWith(fault, "EEXIST")) throw fault;
    }
  }
  return set;
}

/**
 * The outer end, which is up when the switch has taken it. *Bites here*: of a link that has just
 * gone, and had the same name, the switch remembers that it was down, and sets the new one so.
 */
function keepUp(host: Host, plan: AttachmentPlan): Link {
  const links = host.links();
  const link = links.get(plan.outer);
  if (link === undefined) {
    throw new Failure(
      "try-again",
      `Cannot attach port "${plan.outer}": its link went away meanwhile`,
    );
  }
  if (!link.up) links.apply([{ do: "set link", index: link.index, up: true }]);
  return link;
}

/** The first transaction's answers: the bridge, and whether the port is on it now. */
function datapathOf(added: Pending, bridge: string, deadline: Deadline): string {
  const results: readonly OperationResult[] = added.results(deadline);
  const row = results[0]?.rows?.[0];
  if (row === undefined || !isPlugged(results)) {
    throw new Failure("try-again", `Cannot attach to bridge "${bridge}": it went away meanwhile`);
  }
  const [datapath] = listOf(row.datapath_type);
  return typeof datapath === "string" && datapath !== "" ? datapath : "system";
}

/** Whether the port's transaction, if it was more than a look at the bridge, has found that. */
const isPlugged = (results: readonly OperationResult[]): boolean =>
  results.length === 1 || results[results.length - 1]?.count === 1;

/**
 * By the database: *bites here*, OpenFlow tells of the port half a millisecond earlier, but the
 * switch may set its link down after that.
 */
function checkOfport(
  plan: AttachmentPlan,
  awaited: Pending,
  asked: number,
  deadline: Deadline,
): void {
  const { ofport, error } = givenPort(awaited, plan.outer, deadline);
  if (ofport === asked) return;
  // -1 with `error` set: the switch could not open the link.
  const state = error ?? `the switch gave it port number ${ofport ?? "none"}, not ${asked}`;
  throw new Failure("switch-refused", `Cannot attach port "${plan.outer}": ${state}`);
}
