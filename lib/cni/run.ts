/**
 * The CNI protocol, versions 0.1.0 to 1.1.0, from the plugin's side: what a command is told by
 * environment and stdin becomes a typed request, what it gives back becomes JSON.
 *
 * Invariants: only this file writes to stdout, one JSON value or nothing; a request is parsed once,
 * at the door, and all its faults are told together; whatever comes in, an exit status and, unless
 * it is 0, an error object go out. Nothing is changed for a request that is faulty, or whose
 * namespace is the host's.
 * Why all seven versions: runtimes take the highest that both sides know, and old ones are about.
 * Sources: SPEC.md 1.1.0 and CONVENTIONS.md of containernetworking/cni; where they are silent, its
 * pkg/skel and pkg/types, which most plugins are made of.
 */
import { asFailure, Failure } from "../errors.ts";
import { commandOf, type Env, mayShareNetns } from "./environment.ts";
import { formatFailure } from "./failure.ts";
import { formatResult } from "./format-result.ts";
import {
  type AddRequest,
  type CheckRequest,
  type DelRequest,
  type GcRequest,
  type Honours,
  parseRequest,
  type Request,
  type StatusRequest,
} from "./request.ts";
import type { Result } from "./result.ts";
import { type Input, readInput, type Stdin } from "./stdin.ts";
import { answerVersion, formatVersions, newest, type Version, versions } from "./versions.ts";

/** The world of a command. */
export interface Io extends Stdin {
  readonly env: Env;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  /** Whether the path is the network namespace that we run in; false if it cannot be opened. */
  readonly isOwnNetns: (path: string) => boolean;
}

/** A plugin. */
export interface Commands {
  /** What it is and its version, for people who start it by hand. */
  readonly about: string;
  readonly honours: Honours;
  readonly add: (request: AddRequest) => Promise<Result>;
  readonly check: (request: CheckRequest) => Promise<void>;
  readonly del: (request: DelRequest) => Promise<void>;
  readonly gc: (request: GcRequest) => Promise<void>;
  readonly status: (request: StatusRequest) => Promise<void>;
}

/**
 * Runs one command and gives back the exit status. Never throws. `input` is what stdin said, where it
 * was read already.
 */
export async function runPlugin(io: Io, commands: Commands, input?: Input): Promise<number> {
  const { status, stdout, stderr } = await outcomeOf(io, commands, input);
  try {
    if (stderr !== undefined) io.writeStderr(stderr);
    if (stdout !== undefined) io.writeStdout(`${stdout}\n`);
    return status;
  } catch {
    // Whoever started us is gone, and half a value may be out: no second one after it.
    return 1;
  }
}

interface Outcome {
  readonly status: number;
  readonly stdout?: string | undefined;
  readonly stderr?: string;
}

async function outcomeOf(io: Io, commands: Commands, read?: Input): Promise<Outcome> {
  let version: Version = newest;
  try {
    const command = commandOf(io.env);
    if (command === undefined) return { status: 0, stderr: aboutText(commands) };
    const input = read ?? readInput(io, command);
    version = answerVersion(command, input.json);
    if (command === "VERSION") return { status: 0, stdout: formatVersions(version) };
    const request = parseRequest(command, io.env, input, commands.honours);
    refuseOwnNetns(io, request);
    return { status: 0, stdout: await dispatch(commands, request) };
  } catch (error) {
    return refusalOf(asFailure(error), version);
  }
}

/** A fault of ours comes with a stack: it is for us, and not for a runtime that prints what it is told. */
function refusalOf(failure: Failure, version: Version): Outcome {
  if (failure.kind !== "internal") return { status: 1, stdout: formatFailure(failure, version) };
  const details = "Please report this, with what is on standard error.";
  const told = new Failure("internal", failure.message, { details });
  return { status: 1, stdout: formatFailure(told, version), stderr: `${failure.details}\n` };
}

/** The result of ADD; the others have no output. */
async function dispatch(commands: Commands, request: Request): Promise<string | undefined> {
  switch (request.command) {
    case "ADD":
      return formatResult(await commands.add(request), request.config.cniVersion);
    case "CHECK":
      await commands.check(request);
      return undefined;
    case "DEL":
      await commands.del(request);
      return undefined;
    case "GC":
      await commands.gc(request);
      return undefined;
    case "STATUS":
      await commands.status(request);
      return undefined;
  }
}

/**
 * A container's interface in the host's namespace would take the host off its own network. libcni
 * finds this out after the command ran (skel.go); before is better. A path that can't be opened is
 * none of our business here: on DEL the container may be gone.
 */
function refuseOwnNetns(io: Io, request: Request): void {
  if (request.command !== "ADD" && request.command !== "DEL") return;
  const { command, netns, env } = request;
  if (netns === undefined || mayShareNetns(env) || !io.isOwnNetns(netns)) return;
  throw new Failure(
    "invalid-netns",
    `Cannot run ${command}: CNI_NETNS "${netns}" is the plugin's own network namespace`,
    { details: "CNI_NETNS_OVERRIDE=1 allows it" },
  );
}

/** As skel.go prints it: tools look for the second line. */
const aboutText = ({ about }: Commands): string =>
  `${about}\nCNI protocol versions supported: ${versions.join(", ")}\n`;
