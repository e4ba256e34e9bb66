/**
 * Clusters as they are made, found and joined.
 *
 * Invariants: what comes by multicast is only a hint where to ask; a node believes who answers for
 * the token's hash of the cluster's authority, and a cluster the node for the token's secret; a token
 * takes in one node; a node's key is made on it and stays there; nothing that fails half way leaves
 * a machine that is neither in nor out.
 * Why: etcd holds the plan of all addresses, so whoever reaches it is trusted; and it must be as easy
 * to be asked for a proof as not.
 */
import { type Clock, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { parseVtep } from "../ipam/nodes.ts";
import { readAuthority } from "../trust/authority.ts";
import { confirmIssued } from "../trust/certificate.ts";
import { makeRequest } from "../trust/request.ts";
import type { Token } from "../trust/token.ts";
import type { Endpoint, JoinDrivers } from "./drivers.ts";
import {
  formatJoin,
  type JoinReply,
  longest,
  parseJoinReply,
  parseRefusal,
  paths,
} from "./messages.ts";
import type { Say } from "./world.ts";

export interface JoinWish {
  readonly at: Endpoint;
  /** Undefined: a cluster without TLS, which asks for none. */
  readonly token: Token | undefined;
  readonly node: string;
  /** The VTEP's address, as it is written. */
  readonly vtep: string;
  /** Of /etc/machine-id: the same machine may come again under its name. */
  readonly machineId: string;
}

export interface Joined {
  /** PEM texts; undefined for a cluster without TLS. */
  readonly identity:
    | { readonly ca: string; readonly cert: string; readonly key: string }
    | undefined;
  /** For "store" in node.json. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

/** Milliseconds for each of the two questions; after how many nobody further is asked. */
const patienceMs = 10_000;
const allMs = 60_000;

/** Asks whoever was found, until one takes it in. Throws what requestToJoin throws. */
export async function joinAnyOf(
  drivers: Pick<JoinDrivers, "askHttp">,
  ways: readonly Endpoint[],
  wish: Omit<JoinWish, "at">,
  { clock, say }: { readonly clock: Clock; readonly say: Say },
): Promise<Joined> {
  const refusals: unknown[] = [];
  // Of those found, some may not be what they say.
  const end = deadlineIn(clock, allMs);
  for (const at of ways) {
    if (end.left() === 0) {
      refusals.push(failureAt(at, "try-again", notAsked, "Name one that is known: --endpoint"));
      break;
    }
    say(`asks ${at.host} to take this machine in`);
    try {
      return await requestToJoin(drivers, { ...wish, at });
    } catch (fault) {
      refusals.push(fault);
    }
  }
  if (refusals.length === 1) throw refusals[0];
  throw Failure.join("invalid-config", "Cannot join a cluster", refusals);
}

const notAsked = "it was not asked, nor who was found after it: the time is over";

/**
 * Throws Failure "try-again" where nobody answers, "store-refused" where TLS does not go through,
 * "invalid-config" where the cluster refuses, with what to do, or where who answers is not of the
 * token's cluster: then it was not told the secret.
 */
export async function requestToJoin(
  drivers: Pick<JoinDrivers, "askHttp">,
  wish: JoinWish,
): Promise<Joined> {
  const vtep = parseVtep(wish.vtep);
  if (vtep === undefined)
    throw failureAt(wish.at, "invalid-config", `"${wish.vtep}" is no address`);
  const { token, node, machineId } = wish;
  if (token === undefined) {
    const body = formatJoin({ token, csr: undefined, node, vtep, machineId });
    const { endpoints, prefix } = await ask(drivers, wish.at, "plain", body);
    return { identity: undefined, endpoints, prefix };
  }
  const ca = await authorityOf(drivers, wish.at, token);
  const { csr, key } = await makeRequest(node);
  const body = formatJoin({ token, csr, node, vtep, machineId });
  const { endpoints, prefix, certificates } = await ask(drivers, wish.at, { ca }, body);
  const cert = certificates?.cert ?? "";
  if (await confirmIssued({ ca, cert, key }, node)) {
    return { identity: { ca, cert, key }, endpoints, prefix };
  }
  throw failureAt(wish.at, "store-refused", "it gives a certificate that is not this node's");
}

/** The cluster's authority, made sure of by the token's hash. */
async function authorityOf(
  drivers: Pick<JoinDrivers, "askHttp">,
  at: Endpoint,
  token: Token,
): Promise<string> {
  const { status, body } = await drivers.askHttp({
    ...at,
    path: paths.authority,
    trust: "anybody",
    longest: longest.reply,
    patienceMs,
  });
  const found = status === 200 ? await readAuthority(body) : undefined;
  if (found?.hash === token.authority) return found.cert;
  const details = "The token is another cluster's, or somebody else answers there.";
  throw failureAt(at, "invalid-config", "who answers is not of the token's cluster", details);
}

async function ask(
  drivers: Pick<JoinDrivers, "askHttp">,
  at: Endpoint,
  trust: "plain" | { readonly ca: string },
  body: string,
): Promise<JoinReply> {
  const question = { ...at, path: paths.join, body, trust, longest: longest.reply, patienceMs };
  const reply = await drivers.askHttp(question);
  if (reply.status !== 200) {
    const { error, details } = parseRefusal(reply.body);
    const isPassing = reply.status === 429 || reply.status >= 500;
    throw failureAt(at, isPassing ? "try-again" : "invalid-config", error, details);
  }
  const read = parseJoinReply(reply.body);
  if (read !== undefined) return read;
  throw failureAt(at, "store-refused", "its answer can't be read");
}

const failureAt = (
  { host, port }: Endpoint,
  kind: "try-again" | "invalid-config" | "store-refused",
  state: string,
  details?: string,
): Failure => {
  const shown = host.includes(":") ? `[${host}]` : host;
  return new Failure(kind, `Cannot join the cluster at ${shown}:${port}: ${state}`, { details });
};
