/** All checks, in the order they are shown: what others need comes first. See doctor.ts. */
import type { Check } from "./check.ts";
import { agentChecks } from "./check-agent.ts";
import { containerChecks, networkChecks } from "./check-containers.ts";
import { fileChecks } from "./check-files.ts";
import { linkChecks } from "./check-link.ts";
import { machineChecks } from "./check-machine.ts";
import { nodeChecks } from "./check-node.ts";
import { storeChecks } from "./check-store.ts";
import { switchChecks } from "./check-switch.ts";
import { firewallChecks, underlayChecks } from "./check-underlay.ts";
import { peerChecks } from "./probe-checks.ts";

export const checks: readonly Check[] = [
  ...machineChecks,
  ...fileChecks,
  ...switchChecks,
  ...linkChecks,
  ...storeChecks,
  ...nodeChecks,
  ...agentChecks,
  ...underlayChecks,
  ...firewallChecks,
  ...networkChecks,
  ...containerChecks,
  ...peerChecks,
];
