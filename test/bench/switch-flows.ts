/** How many flows a switch has, asked cheaply: by our own client, not by a program of its own. */
import { join } from "node:path";
import { deadlineIn } from "../../lib/deadline.ts";
import { openFlows } from "../../lib/ovs/flows.ts";
import type { CookieFilter } from "../../lib/ovs/switch.ts";
import type { Ffi } from "../../lib/sys/ffi.ts";
import { connectUnix } from "../../lib/sys/unix-stream.ts";
import type { LabNode } from "../lab/node.ts";

export interface FlowCounter {
  readonly count: (cookies: CookieFilter) => number;
  readonly close: () => void;
}

/** Path of the socket by which a node's bridge speaks OpenFlow. */
export const managementOf = ({ ovs }: Pick<LabNode, "ovs">): string => join(ovs.runDir, "sp0.mgmt");

/** Milliseconds after which a switch does not answer any more. */
const patienceMs = 10_000;

/** Throws where nobody listens. */
export function openCounter(ffi: Ffi, path: string): FlowCounter {
  const deadline = () => deadlineIn(() => performance.now(), patienceMs);
  const flows = openFlows(connectUnix(ffi, path, deadline()));
  return { count: (cookies) => flows.aggregate(cookies, deadline()).flows, close: flows.close };
}
