/** All that can be typed: a line for each word. See main.ts for the folder's note. */
import { addressGroup } from "./address.ts";
import { agentGroup } from "./agent.ts";
import type { Entry } from "./command.ts";
import { leaseGroup } from "./lease.ts";
import { networkGroup } from "./network.ts";
import { nodeGroup } from "./node.ts";

/** As help shows them; within a section, in this order. */
export const sections: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  { title: "Networks", entries: [networkGroup, leaseGroup, addressGroup] },
  { title: "Cluster", entries: [nodeGroup] },
  { title: "This machine", entries: [agentGroup] },
];

export const entries: readonly Entry[] = sections.flatMap((section) => section.entries);
