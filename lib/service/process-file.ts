/**
 * The files that tell which process a service is: pure. See services.ts for the folder's note.
 *
 * A number alone would be another's as soon as the process has ended.
 * Source: proc_pid_stat(5), "starttime".
 */
import { isObject, parseJson } from "../json.ts";
import type { ProvenProcess } from "../sys/background.ts";

/** In the run directory. */
export const processFile = (service: "agent" | "etcd"): string => `${service}.pid`;

export const formatProcess = ({ pid, began, boot, program }: ProvenProcess): string =>
  `${JSON.stringify({ pid, began, boot, program })}\n`;

/** Undefined for what is no such file's text: nothing follows from it then. */
export function parseProcess(text: string): ProvenProcess | undefined {
  const json = parseJson(text);
  if (!isObject(json)) return undefined;
  const { pid, began, boot, program } = json;
  // 0 and below mean groups of processes to kill(2).
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  if (typeof began !== "number" || typeof boot !== "string") return undefined;
  if (program !== undefined && typeof program !== "string") return undefined;
  return { pid, began, boot, program };
}
