/**
 * Networks that one of this node's reaches: the node routes between them, so it needs a port in each.
 * Where an agent runs, it joins them ahead of need (lib/agent/join.ts).
 */
import { type Deadline, within } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import { find } from "../ipam/assignments.ts";
import { freshMs, isFresh } from "../ipam/freshness.ts";
import type { HeldNetwork } from "../ipam/held.ts";
import { holdNetwork } from "../ipam/refresh.ts";
import { makeGateway } from "./gateway-make.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment } from "./names.ts";

/** Of what is left to an ADD, for all of them, milliseconds. */
const patienceMs = 5_000;

/**
 * Joins those that don't stand here; one that can't be joined is said, and keeps no container from
 * starting. The caller holds the switch's lock exclusively.
 */
export async function joinAllowed(
  host: Host,
  { stored, tunnel }: HeldNetwork,
  deadline: Deadline,
): Promise<void> {
  const { name: network, allowed = [] } = stored.network;
  // On a machine alone with its store, a network without a container here has none at all.
  if (allowed.length === 0 || tunnel === undefined || hasAgent(host)) return;
  const until = within(deadline, host.clock, patienceMs);
  for (const name of allowed) {
    if (find(host.ipam.dirs, gatewayAttachment(name)) !== undefined) continue;
    try {
      const held = await holdNetwork(host.ipam, { name, spec: undefined }, until);
      await makeGateway(host, held, undefined, until);
    } catch (thrown) {
      const { message: reason } = asFailure(thrown);
      host.log.warn("cannot join a network that another reaches", { name, network, reason });
    }
  }
}

/** By the mark that it keeps young: what was read so long ago is fresh by nothing else. */
const hasAgent = ({ ipam }: Host): boolean => isFresh(ipam, ipam.sinceBoot() - freshMs);
