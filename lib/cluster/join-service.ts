/**
 * Takes others into the cluster, and renews their certificates: what is answered to whom.
 *
 * Whoever asks is nobody, until a token or a certificate says otherwise; what a stranger gets to
 * know is the authority's certificate, which is no secret.
 */
import { type Clock, deadlineIn } from "../deadline.ts";
import { asFailure, type Failure } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import { formatVtep } from "../ipam/nodes.ts";
import type { Log } from "../log.ts";
import type { Served, ServedAnswer } from "../sys/join-server.ts";
import type { Authority } from "../trust/authority.ts";
import { checkRequest } from "../trust/request.ts";
import { admit, confirmMember, isRefusal, type Refusal, refuse } from "./admit.ts";
import { openAttempts } from "./attempts.ts";
import {
  formatJoinReply,
  formatRefusal,
  type JoinReply,
  parseJoin,
  parseRenew,
  paths,
} from "./messages.ts";

export interface JoinServiceDeps {
  readonly registry: Registry;
  /** Undefined for a cluster without TLS, which anybody may join. */
  readonly authority: Authority | undefined;
  /** How the store is reached by those who join. */
  readonly store: Pick<JoinReply, "endpoints" | "prefix">;
  /** Where it is served: who is on that address's segment counts by the whole address. */
  readonly address?: string;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly log: Log;
}

/** How long the store has for an answer, milliseconds. */
const answerMs = 5_000;
/** The same is not said in the log more often, milliseconds. */
const restMs = 60_000;

/** Gives what answers; it never throws. */
export function openJoinService(deps: JoinServiceDeps): (request: Served) => Promise<ServedAnswer> {
  const { authority, log, clock, registry, store } = deps;
  const attempts = openAttempts(clock, deps.address);
  let saidAt = Number.NEGATIVE_INFINITY;
  /** Strangers decide how often there is something to say. */
  const say = (reason: string) => {
    if (clock() - saidAt < restMs) return;
    saidAt = clock();
    log.warn("cannot answer who asks to join", { reason });
  };
  const soon = () => deadlineIn(clock, answerMs);
  const now = () => new Date(deps.wallClock());

  const join = async ({ body, from }: Served): Promise<JoinReply | Refusal> => {
    if (!attempts.mayTry(from)) return refuse(429, "too many wrong tokens: wait a minute");
    const question = parseJoin(body);
    const { node, vtep, csr = "" } = question;
    const admitted = await admit({ registry, needsToken: authority !== undefined }, question, {
      // Before the token is taken: with a request that can't be signed it would be lost.
      check: async () => authority && (await checkRequest(csr, node)),
      deadline: soon(),
    });
    if (isRefusal(admitted)) {
      const isLast = admitted.status === 401 && attempts.failed(from) === "last";
      const further = isLast ? { further: "it is not listened to for a minute" } : {};
      log.warn("refused to take in a node", { from, node, reason: admitted.error, ...further });
      return admitted;
    }
    const address = formatVtep(vtep);
    log.info("takes in a node", { node, vtep: address, from, token: question.token?.id });
    if (authority === undefined || admitted.checked === undefined) {
      return { ...store, certificates: undefined };
    }
    const cert = await authority.sign(admitted.checked, [address], now());
    return { ...store, certificates: { ca: authority.cert, cert } };
  };

  const renew = async (signer: Authority, { body, peer }: Served) => {
    if (peer === undefined)
      return refuse(401, "a certificate of the cluster is needed to renew it");
    const { csr, vtep } = parseRenew(body);
    const refused = await confirmMember(registry, { node: peer, vtep }, soon());
    if (refused !== undefined) return refused;
    const cert = await signer.sign(await checkRequest(csr, peer), [formatVtep(vtep)], now());
    log.info("renews a node's certificate", { node: peer });
    return { ...store, certificates: { ca: signer.cert, cert } };
  };

  const answer = async (request: Served): Promise<JoinReply | Refusal | string> => {
    const what = `${request.method} ${request.path}`;
    if (what === `GET ${paths.authority}` && authority !== undefined) return authority.cert;
    if (what === `POST ${paths.join}`) return join(request);
    if (what === `POST ${paths.renew}` && authority !== undefined) return renew(authority, request);
    return refuse(404, "there is nothing under that path");
  };

  return async (request) => {
    try {
      const given = await answer(request);
      if (typeof given === "string") return { status: 200, body: given };
      if (!isRefusal(given)) return { status: 200, body: formatJoinReply(given) };
      return { status: given.status, body: formatRefusal(given) };
    } catch (thrown) {
      const refusal = refusalOf(asFailure(thrown));
      if (refusal.status >= 500) {
        // What is wrong here is not a stranger's business.
        say(asFailure(thrown).message);
      }
      return { status: refusal.status, body: formatRefusal(refusal) };
    }
  };
}

function refusalOf({ kind, message, details }: Failure): Refusal {
  if (kind === "decode" || kind === "invalid-config") return refuse(400, message, details);
  const log = "The log of that node's agent says why.";
  return kind === "try-again"
    ? refuse(503, "the cluster's store does not answer now", log)
    : refuse(500, "it cannot be answered", log);
}
