/** What systemd says of a unit: pure. Source: org.freedesktop.systemd1(5), systemctl(1) "show". */
import { type ServiceName, type ServiceStatus, unitOf } from "./services.ts";

/** What `systemctl show` is asked for. */
export const properties = [
  "LoadState",
  "ActiveState",
  "MainPID",
  "Result",
  "ExecMainCode",
  "ExecMainStatus",
  "UnitFileState",
] as const;

const states: Readonly<Record<string, ServiceStatus["state"]>> = {
  active: "running",
  reloading: "running",
  activating: "starting",
  deactivating: "running",
  failed: "failed",
};

/** Its answer, a line for each property; `since` is what is known of its process. */
export function parseUnit(
  service: ServiceName,
  lines: readonly string[],
  since: (pid: number) => number | undefined,
): ServiceStatus {
  const found = new Map(lines.map((line) => [nameOf(line), line.slice(nameOf(line).length + 1)]));
  const of = (property: (typeof properties)[number]) => found.get(property) ?? "";
  const isAbsent = of("LoadState") === "not-found";
  const pid = Number(of("MainPID")) || undefined;
  const state = isAbsent ? "absent" : (states[of("ActiveState")] ?? "stopped");
  return {
    service,
    state,
    pid,
    since: pid === undefined ? undefined : since(pid),
    reason: state === "running" ? undefined : reasonOf(service, isAbsent, of),
    enabled: isAbsent ? false : of("UnitFileState").startsWith("enabled"),
  };
}

const nameOf = (line: string): string => line.slice(0, Math.max(0, line.indexOf("=")));

function reasonOf(
  service: ServiceName,
  isAbsent: boolean,
  of: (property: (typeof properties)[number]) => string,
): string | undefined {
  if (isAbsent) return `systemd has no unit ${unitOf(service)}`;
  const result = of("Result");
  if (result === "success" || result === "") return undefined;
  // CLD_EXITED is 1 (siginfo_t(3type)).
  const how = of("ExecMainCode") === "1" ? "exit status" : "signal";
  return of("ExecMainCode") === "0" ? result : `${result}: ${how} ${of("ExecMainStatus")}`;
}
