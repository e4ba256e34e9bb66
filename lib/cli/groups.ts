/**
 * All that can be typed: a line for each word. See main.ts for the folder's note.
 *
 * *Measured*, all of them together load in 3 ms, so that none is loaded by itself; what a command
 * needs beyond its definition and the store it loads when it runs.
 */
import { addressGroup } from "./address.ts";
import { agentGroup } from "./agent.ts";
import { clusterGroup } from "./cluster.ts";
import type { Entry } from "./command.ts";
import { completionGroup } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { infoCommand } from "./info.ts";
import { installCommand, uninstallCommand } from "./install.ts";
import { leaseGroup } from "./lease.ts";
import { logsCommand } from "./logs.ts";
import { networkGroup } from "./network.ts";
import { nodeGroup } from "./node.ts";
import { execCommand, runCommand } from "./run.ts";
import { psCommand, rmCommand, stopCommand } from "./runs.ts";
import { topologyCommand } from "./topology.ts";
import { traceCommand } from "./trace.ts";
import { versionCommand } from "./version.ts";

/** As help shows them; within a section, in this order. */
export const sections: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  { title: "Cluster", entries: [clusterGroup, nodeGroup] },
  { title: "Networks", entries: [networkGroup, leaseGroup, addressGroup] },
  {
    title: "Containers",
    entries: [runCommand, psCommand, infoCommand, execCommand, logsCommand, stopCommand, rmCommand],
  },
  { title: "Troubleshooting", entries: [doctorCommand, topologyCommand, traceCommand] },
  {
    title: "This machine",
    entries: [agentGroup, installCommand, uninstallCommand, completionGroup, versionCommand],
  },
];

export const entries: readonly Entry[] = sections.flatMap((section) => section.entries);
