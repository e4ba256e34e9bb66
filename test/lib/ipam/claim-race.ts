/**
 * One node of a race, a process of its own: node claim-race.ts <plan as JSON>. Each round it claims
 * what the plan says, in a network that the others claim in too, and writes what came of it.
 */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { deadlineIn } from "../../../lib/deadline.ts";
import { deleteUnheld } from "../../../lib/ipam/delete-network.ts";
import { claimTxn } from "../../../lib/ipam/leases.ts";
import { ensureNetwork } from "../../../lib/ipam/networks.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { prefix4Of } from "../../../lib/net/prefix.ts";
import type { StoreConfig } from "../../../lib/node-config.ts";
import { ip, labOn, specOf } from "./lab.ts";
import { openStoreOf } from "./stores.ts";

export interface RacePlan {
  readonly store: StoreConfig;
  readonly path: string;
  readonly node: string;
  readonly vtep: string;
  readonly rounds: number;
  /** The prefix lengths that it claims, in turn: of what holds 10.x.0.70. 0: deletes the network. */
  readonly lengths: readonly number[];
  /**
   * It comes late by up to this, milliseconds, in every other round, from `lateFrom` on: so that
   * either wins now and then, whoever has more to do.
   */
  readonly lateMs: number;
  readonly lateFrom: 0 | 1;
}

const plan = JSON.parse(process.argv[2] ?? "") as RacePlan;
const store = openStoreOf(plan.store);
const under = plan.store.type === "etcd" ? plan.store.prefix : "";
const { registry, ipam } = labOn(plan, store, under);
const deadline = deadlineIn(() => performance.now(), 60_000);
const node = await registerNode(registry, ipam.node(), deadline);

for (let round = 0; round < plan.rounds; round += 1) {
  const spec = { ...specOf(`10.${round}.0.0/24`, { blockLength: 26 }), name: `net${round}` };
  const { stored } = await ensureNetwork(registry, spec, deadline);
  const length = plan.lengths[round % plan.lengths.length] ?? 26;
  const claim = claimTxn(registry.keys, stored, node, prefix4Of(ip(`10.${round}.0.70`), length));
  await meet(round);
  if (round % 2 === plan.lateFrom) await pause((plan.lateMs * round) / plan.rounds);
  const ok =
    length === 0
      ? await deleteUnheld(registry, spec.name, deadline)
      : (await store.commit(claim, deadline)).ok;
  writeSync(1, `${round} ${length} ${ok ? "granted" : "refused"}\n`);
}
await store.close();
process.exit(0);

/** Waits until every node of the race is at this round. */
async function meet(round: number): Promise<void> {
  const at = (name: string) => `${under}/race/${round}/${name}`;
  await store.commit({ compares: [], writes: [{ put: at(plan.node), value: "" }] }, deadline);
  for (;;) {
    const { entries } = await store.range(at(""), deadline);
    if (entries.length >= 2) return;
    if (deadline.left() <= 0) throw new Error(`nobody else came to round ${round}`);
  }
}
