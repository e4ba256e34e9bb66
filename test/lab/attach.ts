/** ADD and DEL that must succeed, and what ADD's result says. */
import type { CniCall, CniOutcome, Container, LabNode } from "./node.ts";

/** A container with an interface in a network. */
export interface Attached {
  readonly container: Container;
  readonly address: string;
  /** Undefined in a network without IPv6. */
  readonly address6: string | undefined;
  /** Of the inner end. */
  readonly mac: string;
  /** The outer end's name. */
  readonly outer: string;
  /** The result as a runtime keeps it. */
  readonly result: unknown;
}

/** What of a result is looked at. */
interface Result {
  readonly interfaces: readonly { name: string; mac: string; sandbox?: string }[];
  readonly ips: readonly { address: string }[];
}

type More = Pick<CniCall, "args" | "env" | "ifname" | "under">;

/** ADD. Throws an Error with the plugin's own answer if it fails. */
export async function attach(
  node: LabNode,
  container: Container,
  conf: unknown,
  more: More = {},
): Promise<Attached> {
  return attachedBy(
    container,
    done("ADD", await node.cni({ command: "ADD", conf, container, ...more })),
  );
}

/** What a successful ADD says. */
export function attachedBy(container: Container, { json }: CniOutcome): Attached {
  const { interfaces, ips } = json as Result;
  const inner = interfaces.find(({ sandbox }) => sandbox === container.path);
  const outer = interfaces.find(({ sandbox }) => sandbox === undefined);
  const addresses = ips.map(({ address }) => address.replace(/\/.*/, ""));
  const address = addresses.find((one) => !one.includes(":"));
  if (inner === undefined || outer === undefined || address === undefined) {
    throw new Error(`Cannot use the result: ${JSON.stringify(json)}`);
  }
  const address6 = addresses.find((one) => one.includes(":"));
  return { container, address, address6, mac: inner.mac, outer: outer.name, result: json };
}

/** DEL. Throws an Error with the plugin's own answer if it fails. */
export async function detach(
  node: LabNode,
  container: Container,
  conf: unknown,
  more: More = {},
): Promise<void> {
  done("DEL", await node.cni({ command: "DEL", conf, container, ...more }));
}

/** CHECK with an ADD's result. Throws an Error with the plugin's own answer if it fails. */
export async function check(
  node: LabNode,
  { container, result }: Pick<Attached, "container" | "result">,
  conf: object,
  more: More = {},
): Promise<void> {
  const withResult = { ...conf, prevResult: result };
  done("CHECK", await node.cni({ command: "CHECK", conf: withResult, container, ...more }));
}

/** The outcome, if it is a success. */
export function done(command: string, outcome: CniOutcome): CniOutcome {
  if (outcome.status === 0) return outcome;
  const said = outcome.stdout.trim() || outcome.stderr.trim() || outcome.signal;
  throw new Error(`${command} failed: ${said}`);
}

/** The code of an outcome's error; 0 if it is a success. */
export function codeOf({ status, json }: CniOutcome): number | undefined {
  return status === 0 ? 0 : (json as { readonly code?: number } | undefined)?.code;
}
