/** How a run is shown. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { find } from "../ipam/assignments.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatMac } from "../net/mac.ts";
import { attachmentsOf, type RunRecord } from "../run/record.ts";
import type { Shown } from "./output.ts";

export const runColumns = ["name", "status", "network", "address", "pid", "command"];

/** "lost": it has ended unseen, and what it left is still there. */
export type RunState = "starting" | "running" | "ended" | "lost";

export function shownRun(host: Host, run: RunRecord, state: RunState): Shown {
  const assigned = attachmentsOf(run).map((id) => find(host.ipam.dirs, id));
  const addresses = assigned.flatMap((one) => (one === undefined ? [] : [formatIp4(one.address)]));
  const macs = assigned.flatMap((one) => (one === undefined ? [] : [formatMac(one.mac)]));
  const ended = run.end !== undefined;
  const seconds = Math.max(0, Math.round((host.kernel.sinceBoot() - run.began) / 1000));
  return {
    name: run.name,
    state,
    status: statusOf(host, run, state, seconds),
    network: run.interfaces.map(({ network }) => network).join(","),
    ...(addresses.length > 0 && { address: addresses.join(","), mac: macs.join(",") }),
    ...(!ended && run.process !== undefined && { pid: run.process.pid }),
    ...(ended && run.end.status !== undefined && { exitStatus: run.end.status }),
    detached: run.detached,
    command: run.argv.join(" "),
    argv: run.argv,
  };
}

/** "up 3 min", "ended (1) 2 s ago" */
function statusOf(host: Host, run: RunRecord, state: RunState, seconds: number): string {
  if (state === "running") return `up ${span(seconds)}`;
  if (run.end === undefined) return state;
  const ago = span(Math.max(0, Math.round((host.kernel.sinceBoot() - run.end.at) / 1000)));
  return `ended (${run.end.status ?? "unseen"}) ${ago} ago`;
}

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
] as const;

/** In the largest unit that it has one of. */
export function span(seconds: number): string {
  const unit = units.find(([length]) => seconds >= length);
  return unit === undefined ? `${seconds} s` : `${Math.floor(seconds / unit[0])} ${unit[1]}`;
}
