/**
 * In etcd's namespace: writes a lease of another node and takes it away again, and takes the time
 * until the last of all switches has what follows from it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { only, peersCookie } from "../../lib/overlay/cookies.ts";
import { openFfi } from "../../lib/sys/ffi-node.ts";
import { transactionOf } from "./gateway.ts";
import { openCounter } from "./switch-flows.ts";

export interface ChangePlan {
  readonly endpoint: string;
  /** What is put and removed. */
  readonly key: string;
  readonly value: string;
  readonly vni: number;
  /** The bridges' .mgmt sockets. */
  readonly switches: readonly string[];
  /** How many flows the lease makes in each. */
  readonly flows: number;
  readonly changes: number;
}

/** Milliseconds: between two looks, from one change to the next, and until it has failed. */
const lookMs = 1;
const restMs = 120;
const patienceMs = 15_000;

const plan = JSON.parse(process.argv[2] ?? "") as ChangePlan;
const ffi = openFfi();
const clock = () => performance.now();
const switches = plan.switches.map((path) => openCounter(ffi, path));
const counts = () => switches.map(({ count }) => count(only(peersCookie(plan.vni))));

async function write(value: string | undefined): Promise<void> {
  const body = transactionOf({ [plan.key]: value });
  const answer = await fetch(`${plan.endpoint}/v3/kv/txn`, { method: "POST", body });
  if (!answer.ok) throw new Error(`Cannot write ${plan.key}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

const before = counts();
const samples: number[] = [];
for (let change = 0; change < plan.changes; change += 1) {
  const isPut = change % 2 === 0;
  // Not in step with what the agents do by the clock.
  await sleep(restMs * (0.5 + Math.random()));
  const began = clock();
  await write(isPut ? plan.value : undefined);
  const wanted = before.map((count) => count + (isPut ? plan.flows : 0));
  const isThere = () => counts().every((count, index) => count === wanted[index]);
  while (!isThere()) {
    if (clock() - began > patienceMs) throw new Error(`Cannot see the change: ${counts()}`);
    await sleep(lookMs);
  }
  samples.push(clock() - began);
}
console.log(JSON.stringify(samples));
process.exit();
