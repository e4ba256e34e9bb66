/** Containers' interfaces as they are inside, compared as CHECK does. See doctor.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { gatewayLinkName } from "../attach/names.ts";
import { planAttachment } from "../attach/plan.ts";
import { innerFaults, lacksDefault } from "../attach/verify.ts";
import { deadlineIn } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { heldNow } from "../ipam/held.ts";
import type { LocalAssignment } from "../survey/here.ts";
import { lookAfter } from "../survey/known.ts";
import type { Known, Survey } from "../survey/survey.ts";
import type { Netns } from "../sys/kernel.ts";
import type { InsideFacts, InsideFault } from "./facts.ts";
import type { DoctorWorld } from "./world.ts";

type Looking = Pick<DoctorWorld, "processes" | "places" | "pause" | "clock">;

/** How many containers are looked into, and how long, milliseconds: of many, some. */
const most = 64;
const patience = { look: 2_000, settle: 500 } as const;

/** Where namespaces have names: ip-netns(8), containerd, podman. */
const named = "/run/netns";

/** What is wrong over two looks: an ADD or DEL under way is no fault. */
export const readInside = (
  world: Looking,
  host: Host,
  { here }: Survey,
): Promise<Known<InsideFacts>> =>
  lookAfter(async () => {
    const all = here.known ? here.value.assignments.filter(isLooked) : [];
    const first = lookInto(world, host, all.slice(0, most));
    const suspects = first.filter(({ faults, noDefault }) => faults.length > 0 || noDefault);
    const common = { looked: first.length, of: all.length };
    if (suspects.length === 0) return { ...common, faulty: [] };
    await world.pause(patience.settle);
    const wrong = new Set(suspects.map(({ id }) => id));
    const again = all.filter(({ id }) => wrong.has(id));
    return { ...common, faulty: lookInto(world, host, again) };
  });

const isLooked = ({ isOwn, isHeld, state }: LocalAssignment): boolean =>
  !isOwn && isHeld && state === "alive";

function lookInto(
  world: Looking,
  host: Host,
  containers: readonly LocalAssignment[],
): readonly InsideFault[] {
  const links = host.links();
  const byNumber = new Map<number, LocalAssignment[]>();
  for (const one of containers) {
    const number = links.get(one.link)?.peerNetns;
    if (number === undefined) continue;
    byNumber.set(number, [...(byNumber.get(number) ?? []), one]);
  }
  const found: InsideFault[] = [];
  const deadline = deadlineIn(host.clock, patience.look);
  for (const path of pathsOf(world)) {
    if (byNumber.size === 0 || deadline.left() <= 0) break;
    const netns = openedAt(host, path);
    if (netns === undefined) continue;
    try {
      const number = links.numberOf(netns);
      for (const one of byNumber.get(number ?? -1) ?? []) found.push(...faultsOf(host, one, netns));
      byNumber.delete(number ?? -1);
    } finally {
      host.kernel.closeNetns(netns);
    }
  }
  return found;
}

/** Undefined also for a file that is none: of one that is just being made, or that is long gone. */
function openedAt({ kernel }: Host, path: string): Netns | undefined {
  try {
    return kernel.openNetns(path);
  } catch (thrown) {
    if (asFailure(thrown).kind === "invalid-netns") return undefined;
    throw thrown;
  }
}

/** Each namespace by a process in it, and by its name. */
function pathsOf({ processes, places }: Looking): readonly string[] {
  const byProcess = new Map<string, string>();
  for (const pid of processes.list()) {
    const id = processes.netnsOf(pid);
    if (id !== undefined && !byProcess.has(id)) byProcess.set(id, `/proc/${pid}/ns/net`);
  }
  const names = places.names(named) ?? [];
  return [...byProcess.values(), ...names.map((name) => `${named}/${name}`)];
}

function faultsOf(host: Host, assignment: Assignment, netns: Netns): readonly InsideFault[] {
  const held = heldNow(host.ipam.dirs, assignment.network);
  if (held === undefined) return [];
  const mtu = host.links().get(gatewayLinkName(assignment.network))?.mtu;
  const link = { mtu: mtu ?? 0, boot: host.kernel.bootId() };
  const plan = planAttachment(held.stored.network, assignment, link, []);
  const inside = host.kernel.links(netns);
  try {
    const { id } = assignment;
    const faults = innerFaults(inside, plan, [], mtu);
    return [{ id, faults, noDefault: lacksDefault(inside) }];
  } finally {
    inside.close();
  }
}
