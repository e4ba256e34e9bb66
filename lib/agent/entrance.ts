/**
 * Keeps the way into the cluster open on the node that has the authority's key and, on each node,
 * its certificate good.
 *
 * Nothing of it is needed for what the agent is there for: what fails here is said, and tried again.
 */
import type { Member } from "../cluster/renew.ts";
import { asFailure } from "../errors.ts";
import type { Log } from "../log.ts";
import { readCertificate } from "../trust/certificate.ts";
import type { Health, Remark } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { keepGood, readOwn } from "./own.ts";
import { backOff, pause } from "./pause.ts";
import { openWayIn } from "./way-in.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

export interface EntranceDeps {
  readonly node: ThisNode;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly signal: AbortSignal;
}

/** How often it is looked whether all is as it should be, milliseconds; where it is not, sooner. */
const roundMs = 30_000;
const retries = { first: 500, last: roundMs } as const;

const sayings: Readonly<Record<Remark, string>> = {
  membership: "cannot tell what this node has of its cluster",
  certificate: "cannot keep this node's certificate good",
  joining: "cannot take others into the cluster",
  mdns: "cannot be found by those who join: they have to be told this node's address",
};

/** Keeps all of it until the signal aborts. A node with the embedded store has no cluster. */
export async function keepEntrance(world: AgentWorld, deps: EntranceDeps): Promise<void> {
  const { node, health, metrics, log, signal } = deps;
  if (node.config.store.type === "file") return;
  const wayIn = openWayIn(world, node, log);
  const wait = backOff(retries, world.random);
  const failing = new Set<Remark>();
  const step = async <T>(about: Remark, act: () => Promise<T>): Promise<T | undefined> => {
    if (signal.aborted) return undefined;
    try {
      const done = await act();
      failing.delete(about);
      health.remark(about, undefined);
      return done;
    } catch (thrown) {
      const { message, details } = asFailure(thrown);
      failing.add(about);
      metrics.count("socketplane_failures_total", { what: about });
      // Tried again and again, it is said once.
      if (health.remark(about, message)) log.warn(sayings[about], { reason: message, details });
      return undefined;
    }
  };
  let hurried = new AbortController();
  world.onHurry(() => hurried.abort());
  while (!signal.aborted) {
    const own = await step("membership", () => readOwn(world, node));
    if (own !== undefined) {
      const good = await step("certificate", () => keepGood(world, node, own, log));
      await tellEnd(metrics, good?.member);
      await step("joining", () => wayIn.keep(good ?? own));
      await step("mdns", wayIn.announce);
    }
    if (failing.size === 0) wait.reset();
    const ms = failing.size === 0 ? roundMs : wait.next();
    await pause(ms, AbortSignal.any([signal, hurried.signal]));
    if (hurried.signal.aborted) hurried = new AbortController();
  }
  await wayIn
    .close()
    .catch((thrown) => log.warn("cannot end the way in", { reason: asFailure(thrown).message }));
}

/** For who looks after many machines. */
async function tellEnd(metrics: Metrics, member: Member | undefined): Promise<void> {
  const end = member && (await readCertificate(member.cert))?.notAfter.getTime();
  if (end !== undefined) {
    metrics.set("socketplane_certificate_end_timestamp_seconds", Math.floor(end / 1_000));
  }
}
