/**
 * Delegation to a foreign IPAM plugin (SPEC.md 1.1.0, section 4): found in CNI_PATH, run with our
 * environment but for CNI_COMMAND, and with the same bytes on stdin. See run.ts for the folder's
 * note.
 */

import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure, Failure, type FailureKind, failures, reasonOf } from "../errors.ts";
import type { Ended, Exec } from "../exec.ts";
import { collectFaults, shown } from "../faults.ts";
import { isObject, parseJson } from "../json.ts";
import type { Config } from "./config.ts";
import { type Env, foldersOf } from "./environment.ts";
import { cut } from "./failure.ts";
import { parseResult } from "./parse-result.ts";
import type { Request } from "./request.ts";
import type { Result } from "./result.ts";

export interface Delegation {
  readonly exec: Exec;
  readonly clock: Clock;
  /** The delegate's stderr is passed on to ours. */
  readonly writeStderr: (text: string) => void;
}

/** What a delegate is given: a request's configuration and environment. */
export interface Delegated {
  readonly config: Config;
  readonly env: Env;
}

type Verb = Request["command"];

/** Milliseconds for the DEL after an ADD that failed, whose own deadline may have passed. */
const cleanupMs = 10_000;

/** A binary that is being written is tried again as libcni does (raw_exec.go). */
const busy = { tries: 6, pauseMs: 1000 };

/**
 * What the delegate assigned: addresses, routes and dns; without interfaces, which an IPAM plugin
 * has none of (SPEC.md 1.1.0, section 5). All or nothing: where it fails, or gives no address, its
 * DEL is run before the failure is thrown. Throws the delegate's own error, with its code.
 */
export async function delegateAdd(
  deps: Delegation,
  delegated: Delegated,
  deadline: Deadline,
): Promise<Result> {
  const path = await find(deps.exec, "ADD", delegated);
  try {
    return resultOf(await run(deps, path, "ADD", delegated, deadline), delegated.config);
  } catch (failure) {
    throw await withDel(deps, path, delegated, asFailure(failure));
  }
}

export const delegateCheck = forVerb("CHECK");
export const delegateDel = forVerb("DEL");
export const delegateGc = forVerb("GC");
export const delegateStatus = forVerb("STATUS");

/** A command without a result. Throws the delegate's own error, with its code. */
function forVerb(verb: Verb) {
  return async (deps: Delegation, delegated: Delegated, deadline: Deadline): Promise<void> => {
    const path = await find(deps.exec, verb, delegated);
    await run(deps, path, verb, delegated, deadline);
  };
}

/** The first regular file of the plugin's name in CNI_PATH; nothing is searched in PATH. */
async function find(exec: Exec, verb: Verb, { config, env }: Delegated): Promise<string> {
  const type = config.ipam?.type;
  if (type === undefined) {
    throw new Failure("invalid-config", `Cannot delegate ${verb}: "ipam.type" is missing`);
  }
  const folders = foldersOf(env);
  if (folders.length === 0) {
    throw new Failure(
      "bad-environment",
      `Cannot find ${subject(config)}: required env variables [CNI_PATH] missing`,
    );
  }
  for (const folder of folders) {
    const path = `${folder}/${type}`;
    if (await exec.isFile(path)) return path;
  }
  throw new Failure(
    "invalid-config",
    `Cannot find ${subject(config)}: it is in no folder of CNI_PATH: ${folders.join(", ")}`,
  );
}

/** Runs it and gives its stdout. */
async function run(
  deps: Delegation,
  path: string,
  verb: Verb,
  { config, env }: Delegated,
  deadline: Deadline,
): Promise<string> {
  const program = { path, env: { ...env, CNI_COMMAND: verb }, stdin: config.bytes };
  let ended = await deps.exec.run(program, deadline);
  for (let tries = 1; isBusy(ended) && tries < busy.tries; tries += 1) {
    if (deadline.left() <= busy.pauseMs) break;
    await deps.exec.pause(busy.pauseMs);
    ended = await deps.exec.run(program, deadline);
  }
  if (ended.stderr !== "") deps.writeStderr(ended.stderr);
  if (ended.how === "exited" && ended.status === 0) return ended.stdout;
  throw failureOf(ended, `Cannot delegate ${verb} to ${subject(config)}`);
}

const isBusy = (ended: Ended): boolean => ended.how === "refused" && ended.errno === "ETXTBSY";
const subject = (config: Config): string => `IPAM plugin "${config.ipam?.type}"`;

function failureOf(ended: Ended, message: string): Failure {
  switch (ended.how) {
    case "exited":
      return ended.stdout.trim() === ""
        ? new Failure("delegate-failed", `${message}: ${silentState(ended)}`)
        : toldFailure(ended.stdout, message);
    case "killed":
      return new Failure("delegate-failed", `${message}: it was killed by ${ended.signal}`);
    case "late":
      return new Failure("try-again", `${message}: it did not end in time, and was killed`);
    case "overflowed":
      return new Failure("decode", `${message}: it wrote too much, and was killed`);
    case "refused":
      return new Failure("io", `${message}: it cannot be started: ${ended.errno}`);
  }
}

function silentState(ended: Ended & { readonly how: "exited" }): string {
  const lines = ended.stderr.trim();
  const why = lines === "" ? "and said nothing" : `and said only on stderr: ${cut(lines, 500)}`;
  return `it ended with exit status ${ended.status}, ${why}`;
}

/** Its error object, passed on with its own code. */
function toldFailure(stdout: string, message: string): Failure {
  const json = parseJson(stdout);
  if (!isObject(json)) {
    return new Failure(
      "decode",
      `${message}: it failed, and error parsing its diagnostic message ${shown(stdout, 500)}`,
    );
  }
  const { code, msg, details } = json;
  const own = typeof code === "number" && Number.isInteger(code) && code > 0 ? code : undefined;
  return new Failure(
    kindOf(own),
    `${message}: ${typeof msg === "string" && msg !== "" ? msg : "it gave no reason"}`,
    { code: own, details: typeof details === "string" && details !== "" ? details : undefined },
  );
}

/** The specification's codes mean the same everywhere; those from 100 on are each plugin's own. */
function kindOf(code: number | undefined): FailureKind {
  if (code === undefined || code >= 100) return "delegate-failed";
  const kinds = Object.keys(failures) as FailureKind[];
  return kinds.find((kind) => failures[kind].code === code) ?? "delegate-failed";
}

function resultOf(stdout: string, config: Config): Result {
  const faults = collectFaults();
  const message = `Cannot use the result of ${subject(config)}`;
  const json = parseJson(stdout);
  if (json === undefined) faults.add(`it is not JSON: ${shown(stdout, 500)}`);
  const result =
    json === undefined ? undefined : parseResult(json, config.cniVersion, faults, "result");
  faults.settle("decode", message);
  const ips = (result?.ips ?? []).map((ip) => ({ ...ip, interface: undefined }));
  if (result !== undefined && ips.length > 0) return { ...result, interfaces: [], ips };
  throw new Failure("delegate-failed", `${message}: it has no address`);
}

/** Runs the delegate's DEL after its ADD failed; where that fails too, the first failure says so. */
async function withDel(
  deps: Delegation,
  path: string,
  delegated: Delegated,
  failure: Failure,
): Promise<Failure> {
  try {
    await run(deps, path, "DEL", delegated, deadlineIn(deps.clock, cleanupMs));
    return failure;
  } catch (second) {
    const { kind, message, code } = failure;
    const own = failure.details === undefined ? [] : [failure.details];
    const told = [...own, `Its DEL failed too: ${reasonOf(second)}`];
    return new Failure(kind, message, { code, details: told.join("\n"), cause: failure });
  }
}
