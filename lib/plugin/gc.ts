/** GC of both plugins. See config.ts for the folder's note. */
import { tellOfLeases } from "../attach/gateway.ts";
import type { Host } from "../attach/host.ts";
import { leave } from "../attach/leave.ts";
import { commandDeadline, loadNodeConfig, lockAttachment, openNode } from "../attach/node.ts";
import { disconnect } from "../attach/remove.ts";
import { ourPorts } from "../attach/sync.ts";
import { delegateGc } from "../cni/delegate.ts";
import type { GcRequest } from "../cni/request.ts";
import { type Deadline, within } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type Assignment, type AttachmentId, ownerName } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { release } from "../ipam/release.ts";
import { giveBackUnused } from "../ipam/single.ts";
import type { PluginWorld } from "./add.ts";
import { foreignIpamOf, nodeConfigOf } from "./config.ts";

/** Removes this node's attachments of this CNI name that are not listed. */
export async function gc(world: PluginWorld, request: GcRequest): Promise<void> {
  await collect(world, request, disconnect, [
    (host) => ofAssignments(host, "port"),
    (host, deadline) => ourPorts(host, deadline).attachments.map((row) => row.id),
  ]);
}

/** The same for addresses alone, under a foreign interface plugin. */
export async function ipamGc(world: PluginWorld, request: GcRequest): Promise<void> {
  const giveBack = (host: Host, id: AttachmentId) => release(host.ipam.dirs, id);
  await collect(world, request, giveBack, [(host) => ofAssignments(host, "none")]);
}

/** How long one attachment is waited for that a command is at work on, milliseconds. */
const lockMs = 4_000;

type Look = (host: Host, deadline: Deadline) => readonly AttachmentId[];

const ofAssignments = (host: Host, port: "port" | "none"): readonly AttachmentId[] =>
  listAssignments(host.ipam.dirs)
    .filter(({ ofport }) => (ofport === undefined) === (port === "none"))
    .map(({ id }) => id);

/** Does all that can be done, and then says what could not. */
async function collect(
  world: PluginWorld,
  request: GcRequest,
  remove: (host: Host, id: AttachmentId, deadline: Deadline) => Assignment | undefined,
  looks: readonly Look[],
): Promise<void> {
  const { config, validAttachments } = request;
  const host = openNode(world, loadNodeConfig(world, undefined, nodeConfigOf(config)));
  const deadline = commandDeadline(host.clock);
  const valid = new Set(
    validAttachments.map(({ containerId, ifname }) =>
      ownerName({ name: config.name, containerId, ifname }),
    ),
  );
  const faults: unknown[] = [];
  const step = async (act: () => void | Promise<void>) => {
    try {
      await act();
    } catch (fault) {
      faults.push(fault);
    }
  };
  try {
    const found: AttachmentId[] = [];
    for (const look of looks) await step(() => void found.push(...look(host, deadline)));
    const stale = new Map(
      found
        .filter(({ name }) => name === config.name)
        .map((id) => [ownerName(id), id] as const)
        .filter(([name]) => !valid.has(name)),
    );
    for (const id of stale.values()) {
      await step(async () => {
        const unlock = lockAttachment(host, id, within(deadline, host.clock, lockMs));
        try {
          await leave(host, remove(host, id, deadline), deadline);
        } finally {
          unlock();
        }
      });
    }
    await step(async () => {
      for (const network of await giveBackUnused(host.ipam, deadline)) {
        await tellOfLeases(host, network, deadline);
      }
    });
    if (foreignIpamOf(config) !== undefined) await step(() => delegateGc(world, request, deadline));
  } finally {
    host.close();
  }
  if (faults.length === 0) return;
  throw Failure.join("try-again", `Cannot collect all of "${config.name}"`, faults);
}
