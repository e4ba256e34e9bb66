/**
 * What etcd and gRPC say when they refuse: what it means, and what to do about it.
 *
 * Pure. Sources: etcd 3.4 to 3.6, api/v3rpc/rpctypes/error.go (the texts, which are its interface);
 * gRPC's status codes.
 */
import type { FailureKind } from "../errors.ts";
import { tlsReason } from "../tls-reason.ts";

/** gRPC's status codes (doc/statuscodes.md), as far as they matter here. */
export const code = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A call that failed. */
export class EtcdFault extends Error {
  override readonly name = "EtcdFault";
  readonly code: number;
  /** Whether it may have been carried out all the same. */
  readonly sent: boolean;

  constructor(status: number, details: string, { sent }: { readonly sent: boolean }) {
    super(details);
    this.code = status;
    this.sent = sent;
  }
}

/** What gRPC threw, as a fault. */
export function faultOf(thrown: unknown, progress: { readonly sent: boolean }): EtcdFault {
  if (thrown instanceof EtcdFault) return thrown;
  if (!(thrown instanceof Error)) return new EtcdFault(code.unknown, String(thrown), progress);
  const status = "code" in thrown && typeof thrown.code === "number" ? thrown.code : code.unknown;
  const details =
    "details" in thrown && typeof thrown.details === "string" ? thrown.details : thrown.message;
  return new EtcdFault(status, details, { sent: progress.sent && !isUnsent(status, details) });
}

export interface Refusal {
  readonly kind: Extract<FailureKind, "try-again" | "store-refused">;
  /** For a message, as in "Cannot read ...: <state>". */
  readonly state: string;
  readonly advice?: string;
  /**
   * "nobody": there is no etcd; "passing": the next try may do better; "token": with another token;
   * "lease": with another TTL lease; "certificates": with others, if there are; "final": no try will.
   */
  readonly outlook: "nobody" | "passing" | "token" | "lease" | "certificates" | "final";
}

/** What a fault means. */
export function refusalOf(fault: EtcdFault): Refusal {
  const text = fault.message;
  const known = knownTexts.find(({ pattern }) => pattern.test(text));
  if (known !== undefined) return { state: stateOf(text), ...known.refusal };
  return passingCodes.has(fault.code)
    ? { kind: "try-again", state: stateOf(text), outlook: "passing" }
    : { kind: "store-refused", state: stateOf(text), outlook: "final" };
}

const passingCodes: ReadonlySet<number> = new Set([
  code.cancelled,
  code.deadlineExceeded,
  code.resourceExhausted,
  code.internal,
  code.unavailable,
]);

type Known = Omit<Refusal, "state"> & { readonly state?: string };

const final = { kind: "store-refused", outlook: "final" } as const;
const nobody = { kind: "try-again", outlook: "nobody" } as const;
const passing = { kind: "try-again", outlook: "passing" } as const;

const knownTexts: readonly { readonly pattern: RegExp; readonly refusal: Known }[] = [
  {
    // Bun says the first of them all.
    pattern: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/,
    refusal: {
      ...nobody,
      state: "connection refused, or no route to it",
      advice: "Is etcd running there? Is that its address?",
    },
  },
  {
    pattern: /Name resolution failed/,
    refusal: { ...nobody, state: "its name has no address", advice: "Look at store.endpoints." },
  },
  {
    pattern: /Failed to connect \(/,
    refusal: {
      ...nobody,
      state: "it ends the connection",
      advice: "Does it speak TLS? Then its endpoint begins with https: in node.json.",
    },
  },
  {
    // What etcd without TLS does with a client's first word of it.
    pattern: /before secure TLS connection was established|wrong.version.number/i,
    refusal: {
      ...final,
      outlook: "certificates",
      state: "it ends the connection instead of beginning TLS",
      advice: "Does it speak TLS? If not, its endpoint begins with http: in node.json.",
    },
  },
  {
    // Of TLS: Node's reasons and OpenSSL's.
    pattern: /^No connection established.*(certificate|altnames|issuer|SSL routines|TLS)/,
    refusal: {
      ...final,
      outlook: "certificates",
      advice:
        "Look at store.tls in node.json: is ca the authority of etcd's certificate, does that " +
        "name the endpoint, and does etcd trust the authority of cert?",
    },
  },
  {
    pattern: /authentication failed/,
    refusal: {
      ...final,
      state: "wrong user or password",
      advice: "Look at store.username and at what store.passwordFile holds.",
    },
  },
  {
    pattern: /user name is empty|user name not found/,
    refusal: {
      ...final,
      state: "it asks for a user",
      advice: "Set store.username and store.passwordFile in node.json.",
    },
  },
  {
    pattern: /authentication is not enabled/,
    refusal: {
      ...final,
      state: "a user is set, and authentication is off there",
      advice: "Was etcd wiped? Else take store.username and store.passwordFile out of node.json.",
    },
  },
  { pattern: /invalid auth token|auth store is old/, refusal: { ...passing, outlook: "token" } },
  {
    pattern: /permission denied/,
    refusal: {
      ...final,
      state: "permission denied",
      advice: "The user needs readwrite on the keys that begin with store.prefix.",
    },
  },
  {
    pattern: /database space exceeded/,
    refusal: {
      ...final,
      state: "its database is full (alarm NOSPACE): it can be read and not written",
      advice: "Compact and defragment it, then disarm the alarm: etcdctl alarm disarm.",
    },
  },
  { pattern: /requested lease not found/, refusal: { ...passing, outlook: "lease" } },
  { pattern: /no leader/, refusal: { ...passing, state: "it has no leader" } },
  { pattern: /too many requests/, refusal: passing },
];

/** Refused before anything was done. */
function isUnsent(status: number, text: string): boolean {
  if (status === code.unavailable) {
    return /No connection established|Name resolution failed|no leader/.test(text);
  }
  const uncertain = new Set<number>([code.cancelled, code.deadlineExceeded, code.internal]);
  return !uncertain.has(status) && status !== code.unknown;
}

/** gRPC's and OpenSSL's wrapping is taken off. */
function stateOf(text: string): string {
  const last = /Last error: (?:\w*Error(?: \[\w+\])?: )?(.*?)\.? Resolution note:/.exec(text)?.[1];
  const reason = (last ?? text).replace(/^.*etcdserver: /, "").replace(/ \([-\d:.TZ]+\)$/, "");
  return tlsReason(reason);
}
