/** How a run is shown. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { find } from "../ipam/assignments.ts";
import { heldNow } from "../ipam/held.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip6Of } from "../net/mac.ts";
import { attachmentsOf, type RunRecord } from "../run/record.ts";
import type { Shown } from "./output.ts";

export const runColumns = ["name", "status", "network", "address", "address6", "pid", "command"];
/** Those that a table is without where no run has one. */
export const runOptional = ["address6"];

/** "lost": it has ended unseen, and what it left is still there. */
export type RunState = "starting" | "running" | "ended" | "lost";

/** `now` is in milliseconds since the epoch. */
export function shownRun(host: Host, run: RunRecord, state: RunState, now: number): Shown {
  const assigned = attachmentsOf(run).map((id) => find(host.ipam.dirs, id));
  const addresses = assigned.flatMap((one) => (one === undefined ? [] : [formatIp4(one.address)]));
  const addresses6 = assigned.flatMap((one) => {
    if (one === undefined) return [];
    const subnet6 = heldNow(host.ipam.dirs, one.network)?.stored.network.subnet6;
    return subnet6 === undefined ? [] : [formatIp6(ip6Of(subnet6, one.address))];
  });
  const macs = assigned.flatMap((one) => (one === undefined ? [] : [formatMac(one.mac)]));
  const ended = run.end !== undefined;
  // A reboot has begun to count anew.
  const age = (at: number) => Math.max(0, host.kernel.sinceBoot() - at);
  const time = (at: number) => new Date(now - age(at)).toISOString();
  return {
    name: run.name,
    state,
    status: statusOf(run, state, age),
    network: run.interfaces.map(({ network }) => network).join(","),
    ...(addresses.length > 0 && { address: addresses.join(","), mac: macs.join(",") }),
    ...(addresses6.length > 0 && { address6: addresses6.join(",") }),
    ...(!ended && run.process !== undefined && { pid: run.process.pid }),
    ...(ended && run.end.status !== undefined && { exitStatus: run.end.status }),
    started: time(run.began),
    ...(ended && { ended: time(run.end.at) }),
    detached: run.detached,
    command: run.argv.join(" "),
    argv: run.argv,
  };
}

/** "up 3 min", "ended (1) 2 s ago" */
function statusOf(run: RunRecord, state: RunState, age: (at: number) => number): string {
  if (state === "running") return `up ${span(age(run.began))}`;
  if (run.end === undefined) return state;
  return `ended (${run.end.status ?? "unseen"}) ${span(age(run.end.at))} ago`;
}

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
] as const;

/** Milliseconds in the largest unit that there is one of. */
export function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const unit = units.find(([length]) => seconds >= length);
  return unit === undefined ? `${seconds} s` : `${Math.floor(seconds / unit[0])} ${unit[1]}`;
}
