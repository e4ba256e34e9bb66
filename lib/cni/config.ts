/** The configuration of one plugin, as stdin brings it. See run.ts for the folder's note. */

import { type Faults, type Reader, shown } from "../faults.ts";
import { isObject } from "../json.ts";
import { type Command, identifierFault } from "./environment.ts";
import type { FaultsByKind } from "./failure.ts";
import type { Input } from "./stdin.ts";
import { asVersion, isAtLeast, isUnstated, unstated, type Version, versions } from "./versions.ts";

export interface Config {
  /** The CNI network's name: several may share one of our networks. */
  readonly name: string;
  readonly cniVersion: Version;
  readonly type: string | undefined;
  readonly ipam: Ipam | undefined;
  /** All of it, for a plugin's own keys. Keys that nobody reads are tolerated. */
  readonly raw: Json;
  /** All of it as it came, for delegates. */
  readonly bytes: Uint8Array;
}

export interface Ipam {
  readonly type: string | undefined;
  readonly raw: Json;
}

type Json = Readonly<Record<string, unknown>>;

/** The faults of a request, in the order in which a kind gives the code. */
export interface RequestFaults {
  readonly environment: Faults;
  readonly io: Faults;
  readonly decode: Faults;
  readonly version: Faults;
  readonly config: Faults;
  readonly unsupported: Faults;
}

export const requestFaults = (all: FaultsByKind): RequestFaults => ({
  environment: all.of("bad-environment"),
  io: all.of("io"),
  decode: all.of("decode"),
  version: all.of("incompatible-version"),
  config: all.of("invalid-config"),
  unsupported: all.of("unsupported-field"),
});

/** The commands that came with a later version. */
const since: Readonly<Partial<Record<Command, Version>>> = {
  CHECK: "0.4.0",
  GC: "1.1.0",
  STATUS: "1.1.0",
};

/** Reads what all commands need; undefined where there is nothing to read, or no version to read it by. */
export function parseConfig(
  input: Input,
  command: Command,
  faults: RequestFaults,
): { readonly config: Config; readonly at: Reader } | undefined {
  const { json, bytes, fault } = input;
  if (fault !== undefined) {
    (fault.kind === "io" ? faults.io : faults.decode).add(fault.state);
    return undefined;
  }
  if (!isObject(json)) {
    faults.decode.add(`stdin is not an object, but ${shown(json)}`);
    return undefined;
  }
  const at = faults.config.object(json, "");
  const name = nameOf(at);
  const type = pluginTypeOf(at);
  const inner = at.inner("ipam");
  const ipamType = inner === undefined ? undefined : pluginTypeOf(inner);
  const cniVersion = versionOf(json.cniVersion, command, faults);
  if (cniVersion === undefined) return undefined;
  const ipam = isObject(json.ipam) ? { type: ipamType, raw: json.ipam } : undefined;
  return { at, config: { name, cniVersion, type, ipam, raw: json, bytes } };
}

function nameOf(at: Reader): string {
  const name = at.text("name") ?? "";
  if (!at.has("name") || at.raw("name") === "") at.fault("name", "is missing");
  const state = identifierFault(name);
  if (state !== undefined) at.fault("name", `${state}, not ${shown(name)}`);
  return name;
}

/** A plugin's type is a file's name, looked up in CNI_PATH; "" is none. */
function pluginTypeOf(at: Reader): string | undefined {
  const type = at.text("type");
  if (type === undefined || type === "") return undefined;
  if (type.includes("/") || type.includes("\0")) {
    at.fault("type", `must be a plugin's name, without '/', not ${shown(type)}`);
  }
  return type;
}

function versionOf(stated: unknown, command: Command, faults: RequestFaults): Version | undefined {
  if (!isUnstated(stated) && typeof stated !== "string") {
    faults.decode.add(`"cniVersion" must be a text, not ${shown(stated)}`);
    return undefined;
  }
  const version = isUnstated(stated) ? unstated : asVersion(stated);
  if (version === undefined) {
    const supported = versions.join(", ");
    faults.version.add(
      `incompatible CNI versions: config is ${shown(stated)}, plugin supports ${supported}`,
    );
    return undefined;
  }
  const least = since[command];
  if (least !== undefined && !isAtLeast(version, least)) {
    faults.version.add(
      `config version does not allow ${command}: it is ${version}, ${command} needs ${least}`,
    );
  }
  return version;
}
