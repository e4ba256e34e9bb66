/** What is written down of a run, in the run directory. See supervise.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { runCniName } from "../attach/names.ts";
import type { Dir } from "../dir.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import { isObject, parseJson } from "../json.ts";
import type { ExitStatus, ProcessId } from "../sys/processes.ts";

/** A command in a network namespace of its own, or what is left of it. */
export interface RunRecord {
  readonly name: string;
  /** The command and its arguments. */
  readonly argv: readonly string[];
  readonly interfaces: readonly RunInterface[];
  /** The kernel's boot id. */
  readonly boot: string;
  /** The identity of its namespace (Netns.id). */
  readonly netns: string;
  /** In the background: what it writes is in its log. */
  readonly detached: boolean;
  /** Stays here when it has ended, until it is removed. */
  readonly kept: boolean;
  /** Milliseconds since boot. */
  readonly began: number;
  /** Undefined until the command runs. */
  readonly process?: ProcessId;
  readonly end?: {
    /** Undefined where nobody was there to see it. */
    readonly status: ExitStatus | undefined;
    /** Milliseconds since boot. */
    readonly at: number;
  };
}

export interface RunInterface {
  readonly ifname: string;
  readonly network: string;
}

/** What another version wrote is not read. */
const version = 1;

/** No run's name has a dot. */
const logEndings = [".log", ".log.1"] as const;

export const attachmentsOf = ({
  name,
  interfaces,
}: Pick<RunRecord, "name" | "interfaces">): readonly AttachmentId[] =>
  interfaces.map(({ ifname }) => ({ name: runCniName, containerId: name, ifname }));

export function readRun(host: Host, name: string): RunRecord | undefined {
  return inFolder(host, (folder) => {
    const json = parseJson(folder.read(name) ?? "");
    if (!isObject(json) || json.version !== version || !isObject(json.run)) return undefined;
    // In this folder none but us can write.
    return json.run as unknown as RunRecord;
  });
}

export function writeRun(host: Host, run: RunRecord): void {
  inFolder(host, (folder) => folder.replace(run.name, JSON.stringify({ version, run })));
}

/** With its log. */
export function forgetRun(host: Host, name: string): void {
  inFolder(host, (folder) => {
    for (const ending of logEndings) folder.remove(`${name}${ending}`);
    folder.remove(name);
  });
}

/** By their names. */
export function listRuns(host: Host): readonly RunRecord[] {
  const names = inFolder(host, (folder) => folder.list());
  return names
    .filter((name) => !name.includes("."))
    .sort()
    .map((name) => readRun(host, name))
    .filter((run) => run !== undefined);
}

/** The paths of what a run in the background writes: the newest part, and the one before it. */
export const logsOf = ({ run }: Host, name: string): readonly [newest: string, older: string] => [
  `${run.path}/runs/${name}${logEndings[0]}`,
  `${run.path}/runs/${name}${logEndings[1]}`,
];

function inFolder<T>({ run }: Host, act: (folder: Dir) => T): T {
  const folder = run.open("runs") ?? run.make("runs");
  try {
    return act(folder);
  } finally {
    folder.close();
  }
}
