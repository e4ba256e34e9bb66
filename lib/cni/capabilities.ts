/**
 * The values of `runtimeConfig`, as CONVENTIONS.md has them. See run.ts for the folder's note.
 *
 * Keys are taken in any case: containerd writes "HostPort", "IngressRate" and "Servers".
 */

import type { Faults } from "../faults.ts";
import { isObject } from "../json.ts";
import { inAnyCase, text, texts } from "./lenient.ts";
import type { Dns } from "./result.ts";

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly hostIp: string | undefined;
}

/** Rates in bits a second, bursts in bits; 0 is unlimited. */
export interface Bandwidth {
  readonly ingressRate: number;
  readonly ingressBurst: number;
  readonly egressRate: number;
  readonly egressBurst: number;
}

const portKeys = ["hostPort", "containerPort", "protocol", "hostIP"];
const bandwidthKeys = ["ingressRate", "ingressBurst", "egressRate", "egressBurst"] as const;
const dnsKeys = ["servers", "searches", "options"];

/**
 * What of `runtimeConfig` asks for anything, by its key. Runtimes write some keys whether or not
 * there is anything to say: no port mappings, a bandwidth of zeros.
 */
export function capabilitiesOf(runtimeConfig: unknown): ReadonlyMap<string, unknown> {
  const asking = new Map<string, unknown>();
  for (const [key, value] of isObject(runtimeConfig) ? Object.entries(runtimeConfig) : []) {
    if (asksAnything(value)) asking.set(key, value);
  }
  return asking;
}

export const asksAnything = (value: unknown): boolean =>
  isObject(value) ? !Object.values(value).every(isNothing) : !isNothing(value);

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

export function portMappingsOf(
  value: unknown,
  where: string,
  faults: Faults,
): readonly PortMapping[] {
  if (!Array.isArray(value)) {
    faults.add(`"${where}" must be a list`);
    return [];
  }
  return value.map((entry, index) => {
    const at = faults.object(inAnyCase(entry, portKeys), `${where}[${index}]`);
    const protocol = (text(at, "protocol") ?? "tcp").toLowerCase();
    const known = (["tcp", "udp", "sctp"] as const).find((one) => one === protocol);
    if (known === undefined) at.fault("protocol", "must be tcp, udp or sctp");
    if (at.ok && !at.has("containerPort")) at.fault("containerPort", "is missing");
    return {
      hostPort: at.integer("hostPort", 0, 65535) ?? 0,
      containerPort: at.integer("containerPort", 1, 65535) ?? 0,
      protocol: known ?? "tcp",
      hostIp: text(at, "hostIP"),
    };
  });
}

export function bandwidthOf(value: unknown, where: string, faults: Faults): Bandwidth {
  const at = faults.object(inAnyCase(value, bandwidthKeys), where);
  const bits = (key: (typeof bandwidthKeys)[number]) =>
    at.integer(key, 0, Number.MAX_SAFE_INTEGER) ?? 0;
  return {
    ingressRate: bits("ingressRate"),
    ingressBurst: bits("ingressBurst"),
    egressRate: bits("egressRate"),
    egressBurst: bits("egressBurst"),
  };
}

/** In the words of a result. */
export function dnsOf(value: unknown, where: string, faults: Faults): Dns {
  const at = faults.object(inAnyCase(value, dnsKeys), where);
  return {
    nameservers: texts(at, "servers"),
    domain: undefined,
    search: texts(at, "searches"),
    options: texts(at, "options"),
  };
}
