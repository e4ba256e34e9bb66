/**
 * One command with all that it was told, parsed at the door: behind it nothing checks again.
 * See run.ts for the folder's note.
 */
import { type Faults, type Reader, shown } from "../faults.ts";
import { type CniArgs, parseCniArgs } from "./cni-args.ts";
import { type Config, parseConfig, type RequestFaults, requestFaults } from "./config.ts";
import { type Command, checkEnvironment, type Env, read } from "./environment.ts";
import { collectByKind } from "./failure.ts";
import { inAnyCase, text } from "./lenient.ts";
import { parseResult } from "./parse-result.ts";
import { parseRequested, type Requested } from "./requested.ts";
import type { Result } from "./result.ts";
import type { Input } from "./stdin.ts";

interface Common {
  readonly config: Config;
  /** All of it, for delegates. */
  readonly env: Env;
}

interface OfAttachment extends Common {
  readonly containerId: string;
  readonly ifname: string;
}

export interface AddRequest extends OfAttachment {
  readonly command: "ADD";
  /** The path of the container's network namespace. */
  readonly netns: string;
  readonly requested: Requested;
  /** What the plugins before us in the list made: to be handed on, changed or not. */
  readonly prevResult: Result | undefined;
}

export interface CheckRequest extends OfAttachment {
  readonly command: "CHECK";
  readonly netns: string;
  readonly requested: Requested;
  /** What the ADD of the whole list gave. */
  readonly prevResult: Result;
}

/**
 * DEL reads no more than it needs to know what to take away: a fault in anything else would only
 * keep it from doing so.
 */
export interface DelRequest extends OfAttachment {
  readonly command: "DEL";
  /** Absent when the container is gone already. */
  readonly netns: string | undefined;
}

export interface GcRequest extends Common {
  readonly command: "GC";
  readonly validAttachments: readonly ValidAttachment[];
}

export interface ValidAttachment {
  readonly containerId: string;
  readonly ifname: string;
}

export interface StatusRequest extends Common {
  readonly command: "STATUS";
}

export type Request = AddRequest | CheckRequest | DelRequest | GcRequest | StatusRequest;

/**
 * The keys of `runtimeConfig` that a plugin does something about, or its delegate. "any" is for an
 * IPAM plugin: it sees what is meant for the plugin that delegates to it as well.
 */
export type Honours = (config: Config) => readonly string[] | "any";

/**
 * Reads a command from its environment and its configuration. Throws one Failure that names all
 * that is wrong with both; the environment's faults give the code before those of stdin.
 */
export function parseRequest(
  command: Exclude<Command, "VERSION">,
  env: Env,
  input: Input,
  honours: Honours,
): Request {
  const all = collectByKind();
  const faults = requestFaults(all);
  checkEnvironment(env, command, faults.environment);
  const asks = command === "ADD" || command === "CHECK" ? (env.CNI_ARGS ?? "") : "";
  const args = parseCniArgs(asks, faults.environment);
  const parsed = parseConfig(input, command, faults);
  const request = parsed && requestOf({ command, env, args, honours, faults, ...parsed });
  if (request === undefined || all.any()) throw all.failure(`Cannot run ${command}`);
  return request;
}

interface Parts {
  readonly command: Request["command"];
  readonly env: Env;
  readonly args: CniArgs;
  readonly config: Config;
  /** The configuration's keys. */
  readonly at: Reader;
  readonly honours: Honours;
  readonly faults: RequestFaults;
}

/** Undefined only with a fault. */
function requestOf({
  command,
  env,
  args,
  config,
  at,
  honours,
  faults,
}: Parts): Request | undefined {
  const common = { config, env };
  const attachment = {
    ...common,
    containerId: env.CNI_CONTAINERID ?? "",
    ifname: env.CNI_IFNAME ?? "",
  };
  if (command === "DEL") return { command, ...attachment, netns: read(env, "CNI_NETNS") };
  if (command === "STATUS") return { command, ...common };
  if (command === "GC") {
    return { command, ...common, validAttachments: validAttachmentsOf(at, faults.config) };
  }
  const netns = env.CNI_NETNS ?? "";
  const requested = parseRequested(at, args, faults.config);
  const prevResult = at.has("prevResult")
    ? parseResult(at.raw("prevResult"), config.cniVersion, faults.config, "prevResult")
    : undefined;
  if (command === "ADD") {
    refuseUnhonoured(requested, honours(config), faults.unsupported);
    return { command, ...attachment, netns, requested, prevResult };
  }
  if (prevResult !== undefined) return { command, ...attachment, netns, requested, prevResult };
  if (!at.has("prevResult")) at.fault("prevResult", "is missing: CHECK compares with it");
  return undefined;
}

/** What is asked for and cannot be had is an error, not a surprise (SPEC.md: with key and value). */
function refuseUnhonoured(
  requested: Requested,
  honoured: ReturnType<Honours>,
  faults: Faults,
): void {
  for (const [key, value] of requested.capabilities) {
    if (honoured === "any" || honoured.includes(key)) continue;
    faults.add(`"runtimeConfig.${key}" is not supported: ${shown(value, 1000)}`);
  }
}

/** The second is what SPEC.md once called it; libcni sends both. */
const attachmentKeys = ["cni.dev/valid-attachments", "cni.dev/attachments"] as const;

/**
 * An empty list is meant; no list, or null, is not taken for one: a tool that says nothing
 * (cnitool gc) must not cost this node all of its attachments.
 */
function validAttachmentsOf(at: Reader, faults: Faults): readonly ValidAttachment[] {
  const key = attachmentKeys.find((one) => at.has(one));
  if (key === undefined) {
    at.fault(attachmentKeys[0], "is missing: without it nothing is removed");
    return [];
  }
  return (at.list(key) ?? []).map((entry, index) => {
    const each = faults.object(inAnyCase(entry, ["containerID", "ifname"]), `${key}[${index}]`);
    const needed = (part: string) => {
      const value = text(each, part);
      if (each.ok && value === undefined) each.fault(part, "is missing");
      return value ?? "";
    };
    return { containerId: needed("containerID"), ifname: needed("ifname") };
  });
}
