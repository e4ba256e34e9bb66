/** A run's name, which nobody else has while its process holds it. See supervise.ts. */
import type { Host } from "../attach/host.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { lockNumberOf } from "../hash.ts";
import { stemOf } from "./name.ts";
import { readRun } from "./record.ts";
import { settle } from "./settle.ts";
import type { RunTools } from "./world.ts";

/** A name, until it is released, or the process ends. */
export interface Claimed {
  readonly name: string;
  readonly release: () => void;
}

/** Throws Failure "attachment-exists" where the name that is asked for is taken. */
export async function claimName(
  host: Host,
  tools: RunTools,
  asked: string | undefined,
  command: string,
): Promise<Claimed> {
  if (asked !== undefined) return (await claim(host, tools, asked)) ?? refuse(asked);
  for (let number = 1; ; number += 1) {
    const claimed = await claim(host, tools, `${stemOf(command)}-${number}`);
    if (claimed !== undefined) return claimed;
  }
}

/** Undefined where it is another's. */
async function claim(host: Host, tools: RunTools, name: string): Promise<Claimed | undefined> {
  const release = tryLock(host, name);
  if (release === undefined) return undefined;
  try {
    const known = readRun(host, name);
    const left = known && (await settle(host, tools, known));
    if (left === undefined) return { name, release };
  } catch (fault) {
    release();
    throw fault;
  }
  release();
  return undefined;
}

function refuse(name: string): never {
  throw new Failure("attachment-exists", `Cannot use name "${name}": it is taken`, {
    details: `See by what: socketplane ps --all; and free it: socketplane rm --force ${name}`,
  });
}

/** Who watches over a run holds its name's lock, which dies with the process. */
export const lockName = (host: Host, name: string, deadline: Deadline): (() => void) =>
  host.run.lockRange("runs.lock", lockNumberOf(name), deadline);

/** Undefined while somebody watches over it. */
export function tryLock(host: Host, name: string): (() => void) | undefined {
  try {
    return lockName(host, name, deadlineIn(host.clock, 0));
  } catch (fault) {
    if (fault instanceof Failure && fault.kind === "try-again") return undefined;
    throw fault;
  }
}
