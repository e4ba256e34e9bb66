/**
 * doctor: why a network does not work, and what to do about it.
 *
 * Readers make facts (read.ts), checks are a list of pure functions of them (checks.ts), judge.ts
 * makes findings of both. Invariants: nothing on the machine is changed; a part that cannot be
 * looked at is said to be unknown, and all others are looked at still; one fault is told once: what
 * can't be well without it is "unknown", and names it; nothing depends on a clock, but the dates of
 * certificates.
 * Why data: docs/doctor.md is made of the same list, and each judgement is tested by itself.
 */
import type { Finding } from "./check.ts";
import { checks } from "./checks.ts";
import { judge } from "./judge.ts";
import { probePeers } from "./probe.ts";
import { readFacts } from "./read.ts";
import { lookAgain } from "./read-node.ts";
import { areContainersBlamed, settled } from "./settled.ts";
import type { DoctorWorld } from "./world.ts";

/** Milliseconds until what an ADD or DEL under way changes is changed. */
const settleMs = 500;

/** Looks at this machine, and at its peers from here. */
export async function examine(world: DoctorWorld): Promise<readonly Finding[]> {
  const facts = await readFacts(world);
  const peers = await probePeers(world, facts);
  const findings = judge(checks, { ...facts, peers });
  if (facts.node === undefined || !areContainersBlamed(findings)) return findings;
  await world.pause(settleMs);
  const again = lookAgain(world, facts.node);
  if (!again.known) return findings;
  return judge(checks, { ...facts, peers, node: settled(facts.node, again.value) });
}
