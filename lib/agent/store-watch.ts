/**
 * Follows the store: registers this node, reads all, watches from there, and proves again and again
 * that nothing was missed.
 */
import type { Host } from "../attach/host.ts";
import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import { confirmStore, rememberRegistered } from "../ipam/known-store.ts";
import type { Registry } from "../ipam/networks.ts";
import { sameVtep } from "../ipam/nodes.ts";
import { registerNode } from "../ipam/register.ts";
import type { VtepAddress } from "../store/keys.ts";
import { backOff, pause } from "./pause.ts";
import { type Proof, proofByReading, proofBySession, readCluster } from "./proof.ts";
import { moved, type StoreEvents, watchFrom } from "./round.ts";
import type { ThisNode } from "./world.ts";

export interface StoreWatchDeps {
  readonly node: ThisNode;
  /** Milliseconds since boot. */
  readonly sinceBoot: Clock;
  readonly random: () => number;
  /** What the session's key says, for people. */
  readonly session: () => Readonly<Record<string, unknown>>;
}

/** How long the store has for an answer, milliseconds. */
const answerMs = 5_000;
const retries = { first: 200, last: 5_000 } as const;

/** Follows the store until the signal aborts. */
export async function followStore(
  deps: StoreWatchDeps,
  events: StoreEvents,
  signal: AbortSignal,
): Promise<void> {
  const { registry } = deps.node;
  const wait = backOff(retries, deps.random);
  const soon = () => deadlineIn(deps.sinceBoot, answerMs);
  let proof: Proof | undefined;
  const end = async () => {
    await proof?.end(soon());
    proof = undefined;
  };
  while (!signal.aborted) {
    try {
      const { was, name, kind, vtep } = await deps.node.use((host) => join(host, registry, soon));
      proof ??= await openProof(deps, kind, name, soon());
      const cluster = await readCluster(registry, soon);
      events.known(cluster, was === "restored" ? "restored" : "read");
      const { sinceBoot } = deps;
      const isMoved = () => deps.node.use((host) => hasMoved(host, vtep));
      const round = { name, proof, events, wait, sinceBoot, soon, isMoved };
      await watchFrom(registry, cluster, round, signal);
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (!signal.aborted) events.away(failure);
      // A store that is not ours is not to hear of us; and a node that lives does not move.
      if (failure.kind === "store-refused" || failure === moved) await end();
    }
    await pause(wait.next(), signal);
  }
  await end();
}

/** Makes sure that the store is ours, and registers this node there. */
async function join({ ipam }: Host, registry: Registry, soon: () => Deadline) {
  const node = ipam.node();
  // Without a VTEP there are no others, and the store is a file.
  const kind = node.vtep === undefined ? "reading" : "session";
  const was = kind === "session" ? await confirmStore(ipam, registry, soon()) : "same";
  const { name } = await registerNode(registry, node, soon(), "register");
  if (kind === "session") rememberRegistered(ipam);
  return { was, name, kind, vtep: node.vtep } as const;
}

/** Whether this node's VTEP is another than it registered with; not, as long as it has none. */
function hasMoved({ ipam }: Host, registered: VtepAddress | undefined): boolean {
  try {
    return !sameVtep(ipam.node().vtep, registered);
  } catch {
    return false;
  }
}

async function openProof(
  { node: { registry }, session, sinceBoot }: StoreWatchDeps,
  kind: "reading" | "session",
  name: string,
  deadline: Deadline,
): Promise<Proof> {
  if (kind === "reading") return proofByReading(registry);
  return proofBySession(registry, name, session, sinceBoot, deadline);
}
