/**
 * The node agent: keeps this node in step with the cluster, and the switch with this node.
 *
 * The store is followed into the run directory, by which ADD goes, and the run directory into the
 * switch. What an ADD would do in its place, the agent does by the same functions.
 *
 * Invariants: it decides by comparing states, so that what it missed makes no difference; it may be
 * killed at any moment, and one that starts puts right what it finds; without it nothing in the data
 * path changes; one thing is done at a time, and nothing is waited for without an end.
 * Why it need not run: see ADD. Why it should: changes reach the switch without an ADD, addresses
 * are claimed ahead, and a switch that was restarted has its flows back within a second.
 */

import { deadlineIn } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { unmarkFresh } from "../ipam/freshness.ts";
import type { Log } from "../log.ts";
import type { NodeConfig } from "../node-config.ts";
import { answerHere } from "../trace/answer-here.ts";
import { keepAnswering } from "./answers.ts";
import { keepEntrance } from "./entrance.ts";
import { keepEtcd } from "./etcd-child.ts";
import { follow } from "./follow.ts";
import { openHealth } from "./health.ts";
import { atOnce } from "./locks.ts";
import { openMetrics } from "./metrics.ts";
import { pause } from "./pause.ts";
import { openRecords } from "./records.ts";
import { type AgentWorld, openThisNode, type ThisNode } from "./world.ts";

/**
 * Runs until the signal aborts. Throws Failure "try-again" where another agent of this node runs,
 * "io" where its port is taken, or etcd can't be run.
 */
export async function runAgent(
  world: AgentWorld,
  config: NodeConfig,
  signal: AbortSignal,
): Promise<void> {
  const node = await openThisNode(world, config, signal);
  const { log, ...about } = await node.use(({ ipam }) => ({ log: ipam.log, ...ipam.node() }));
  const unlock = await node.use(({ run }) => lockAgent(run, config));
  const metrics = openMetrics();
  metrics.set("socketplane_info", 1, { version: world.version, node: about.name });
  const health = openHealth(metrics);
  const server = await world.serve(config.agent.listen, health.answer);
  const records = openRecords(node);
  let endEtcd: (() => Promise<void>) | undefined;
  try {
    if (config.etcd !== undefined)
      endEtcd = await keepEtcd(world, config.etcd, { node, log, records });
    await records.put("agent", world.self());
    log.info("the agent runs", { node: about.name, version: world.version });
    world.ready();
    const following = Promise.all([
      follow(world, { node, log, metrics, health, signal }),
      keepEntrance(world, { node, log, metrics, health, signal }),
      answerOthers(world, { node, log, signal }),
      records.keep(signal),
    ]);
    // What waits for a store that is away is not waited for: it may be killed at any moment.
    await Promise.race([following, endOf(signal)]);
    await node.registry.store.close();
  } finally {
    server.close();
    // What it kept up to date ages from now on.
    await node.use(({ ipam }) => unmarkFresh(ipam));
    // It was written to until now.
    await endEtcd?.();
    await records.put("agent", undefined);
    unlock();
    log.info("the agent ends", { node: about.name });
  }
}

/**
 * How long the switch may take for an answer, milliseconds: it is waited for in system calls. A peer's
 * MAC that it does not know yet takes it a second.
 */
const traceMs = 2_500;

/** A node with the embedded store has nobody to ask it. */
async function answerOthers(
  world: AgentWorld,
  {
    node,
    log,
    signal,
  }: { readonly node: ThisNode; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const { registry, config, use } = node;
  if (config.store.type === "file") return;
  await keepAnswering({
    ...world,
    registry,
    log,
    signal,
    name: () => use(({ ipam }) => ipam.node().name),
    ask: (question) =>
      use((host) =>
        answerHere((ms) => pause(ms, signal), host, question, deadlineIn(world.clock, traceMs)),
      ),
  });
}

/** How long the end may take, milliseconds: a service manager waits for longer. */
const endMs = 3_000;

async function endOf(signal: AbortSignal): Promise<void> {
  const never = new AbortController().signal;
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  await pause(endMs, never);
}

function lockAgent(run: Dir, config: NodeConfig): () => void {
  try {
    return run.lock("agent.lock", "exclusive", atOnce);
  } catch (fault) {
    if (!(fault instanceof Failure) || fault.kind !== "try-again") throw fault;
    throw new Failure("try-again", "Cannot run the agent: another one runs on this node", {
      details: `It has the lock in ${config.runDir}.`,
      cause: fault,
    });
  }
}
