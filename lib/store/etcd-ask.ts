/**
 * Asks etcd: the members in turn, until one answers, all refuse for good, or the deadline is over.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { Calls, Connection } from "./etcd-connection.ts";
import type { Endpoint } from "./etcd-endpoint.ts";
import { faultOf, type Refusal, refusalOf } from "./etcd-fault.ts";

export interface Question {
  /** For the message, as in "read key /a". */
  readonly action: string;
  /** Of a write it matters whether it was done. */
  readonly kind: "read" | "write";
}

export interface Attempt {
  readonly limitMs: number;
  /** An earlier attempt to write may have been carried out, or may be yet. */
  readonly again: boolean;
}

export interface Members {
  /**
   * The call is made again where it failed, so it must be one that can be. Throws Failure
   * "try-again" when etcd is away or has no leader, "store-refused" when it will not.
   */
  readonly ask: <T>(
    question: Question,
    deadline: Deadline,
    call: (calls: Calls, attempt: Attempt) => Promise<T>,
  ) => Promise<T>;
  /** The member that answered last: for a stream. */
  readonly preferred: (limitMs: number) => Calls;
  /** Has another member asked first from now on. */
  readonly avoid: () => void;
  /** Ends all calls and streams. */
  readonly close: () => void;
}

export interface MembersDeps {
  readonly endpoints: readonly Endpoint[];
  readonly connect: (endpoint: Endpoint) => Connection;
  readonly pause: (ms: number) => Promise<unknown>;
}

/** With other members to ask, none is waited for longer than this. */
const memberMs = 2_000;
const firstPauseMs = 50;
const longestPauseMs = 500;

export function openMembers({ endpoints, connect, pause }: MembersDeps): Members {
  const open = new Map<Endpoint, Connection>();
  let order = [...endpoints];
  let closed = false;

  const connectionTo = (endpoint: Endpoint): Connection => {
    if (closed) throw new Failure("try-again", "Cannot use etcd: the store is closed");
    const connection = open.get(endpoint) ?? connect(endpoint);
    open.set(endpoint, connection);
    return connection;
  };
  const first = (): Endpoint => {
    const [endpoint] = order;
    if (endpoint === undefined) throw new Failure("invalid-config", "Cannot use etcd: no endpoint");
    return endpoint;
  };
  /** Learns from a refusal what the next attempt should do otherwise. */
  const learn = (endpoint: Endpoint, { outlook }: Refusal) => {
    if (outlook === "token") open.get(endpoint)?.forgetToken();
    // A channel pauses after a failed connect; a new one doesn't, and reads its certificates anew:
    // those that an agent keeps good are others after some months.
    if (outlook !== "nobody" && outlook !== "certificates") return;
    open.get(endpoint)?.close();
    open.delete(endpoint);
  };

  const ask: Members["ask"] = async (question, deadline, call) => {
    const refusals = new Map<Endpoint, Refusal>();
    let again = false;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      const round = [...order];
      for (const [index, endpoint] of round.entries()) {
        const limitMs = limitOf(deadline.left(), round.length - index);
        if (limitMs <= 0) throw failureOf(question.action, endpoints, refusals, again);
        try {
          const answer = await call(connectionTo(endpoint).within(limitMs), { limitMs, again });
          order = [endpoint, ...order.filter((other) => other !== endpoint)];
          return answer;
        } catch (thrown) {
          if (thrown instanceof Failure) throw thrown;
          const fault = faultOf(thrown, { sent: true });
          const refusal = refusalOf(fault);
          again ||= fault.sent && question.kind === "write";
          refusals.set(endpoint, refusal);
          learn(endpoint, refusal);
        }
      }
      // What may have been done is worth knowing, as long as there is time.
      const hopeless = again ? ["final", "certificates"] : ["final", "certificates", "nobody"];
      if ([...refusals.values()].every(({ outlook }) => hopeless.includes(outlook))) {
        throw failureOf(question.action, endpoints, refusals, again);
      }
      await pause(Math.min(pauseMs, deadline.left()));
    }
  };
  return {
    ask,
    preferred: (limitMs) => connectionTo(first()).within(limitMs),
    avoid: () => {
      order = [...order.slice(1), first()];
    },
    close: () => {
      closed = true;
      for (const connection of open.values()) connection.close();
      open.clear();
    },
  };
}

/** The whole time for the last one to ask, a share for one that is not. */
function limitOf(leftMs: number, members: number): number {
  return members === 1 ? leftMs : Math.min(memberMs, leftMs / members);
}

function failureOf(
  action: string,
  endpoints: readonly Endpoint[],
  refusals: ReadonlyMap<Endpoint, Refusal>,
  again: boolean,
): Failure {
  const states = endpoints.map((endpoint) => {
    const state = refusals.get(endpoint)?.state ?? "not asked: the deadline is over";
    return `${endpoint.url}: ${state}`;
  });
  const all = [...refusals.values()];
  const refused = all.length > 0 && all.every(({ kind }) => kind === "store-refused");
  const doubt = "Whether it was done is not known. The next attempt reads what is there.";
  const details = [...new Set(all.map(({ advice }) => advice)), again ? doubt : undefined];
  return new Failure(
    refused ? "store-refused" : "try-again",
    `Cannot ${action} in etcd at ${states.join("; ")}`,
    { details: details.filter((line) => line !== undefined).join("\n") || undefined },
  );
}
