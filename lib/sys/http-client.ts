/** Asks another machine one thing by HTTP: by TLS with an authority of our own, or plain. */
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { Failure, reasonOf } from "../errors.ts";
import { concatBytes } from "../text.ts";
import { tlsReason } from "../tls-reason.ts";
import { formatRequest, readReply } from "./http-text.ts";

export interface HttpQuestion {
  /** An address, or a name. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Without: GET, else POST. */
  readonly body?: string | undefined;
  /**
   * "plain": HTTP. "anybody": TLS, whoever answers: what is heard is to be checked by other means.
   * Else PEM: the authority that the server must be of, and who we are to it.
   */
  readonly trust:
    | "plain"
    | "anybody"
    | { readonly ca: string; readonly own?: { readonly cert: string; readonly key: string } };
  /** The longest answer, bytes. */
  readonly longest: number;
  /** Milliseconds for all of it. */
  readonly patienceMs: number;
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/**
 * Throws Failure "try-again" where nobody answers in time, "store-refused" where TLS says that it is
 * another who answers, or that we are.
 */
export async function askHttp(question: HttpQuestion): Promise<HttpReply> {
  const { host, port, path, body, trust, longest, patienceMs } = question;
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const failure = (kind: "try-again" | "store-refused", state: string, cause?: unknown) =>
    new Failure(kind, `Cannot ask ${at}: ${state}`, { cause, details: adviceOn(cause) });
  // Certificates have addresses: by a name, it is the address behind it that must be the server's.
  const address = await addressOf(host, patienceMs);
  if (address === undefined) throw failure("try-again", "its name has no address");
  const reached = { ...question, host: address };
  const socket = trust === "plain" ? await connectPlain(reached) : await connectTls(reached);
  return new Promise<HttpReply>((resolve, reject) => {
    const timer = setTimeout(
      () => end(failure("try-again", `no answer within ${patienceMs} ms`)),
      patienceMs,
    );
    const end = (outcome: HttpReply | Failure) => {
      clearTimeout(timer);
      socket.destroy();
      if (outcome instanceof Failure) reject(outcome);
      else resolve(outcome);
    };
    const pieces: Uint8Array[] = [];
    socket.on("error", (fault) => end(failure(kindOf(fault), stateOf(fault), fault)));
    socket.on("close", () => end(failure("try-again", noMore)));
    socket.on("data", (piece: Uint8Array) => {
      pieces.push(piece);
      const read = readReply(concatBytes(pieces), longest);
      if (read.state === "whole") end(read.value);
      if (read.state === "bad") end(failure("store-refused", read.reason));
    });
    socket.once(trust === "plain" ? "connect" : "secureConnect", () =>
      socket.write(formatRequest(at, path, body)),
    );
  });
}

/** IPv4 first, which VTEPs mostly have. Undefined where none is known in time. */
async function addressOf(host: string, patienceMs: number): Promise<string | undefined> {
  const { isIP } = await import("node:net");
  if (isIP(host) !== 0) return host;
  const { lookup } = await import("node:dns/promises");
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  const found = lookup(host, { order: "ipv4first" }).then(
    ({ address }) => address,
    () => undefined,
  );
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}

async function connectPlain({ host, port }: HttpQuestion): Promise<Socket> {
  const { createConnection } = await import("node:net");
  return createConnection({ host, port });
}

async function connectTls({ host, port, trust }: HttpQuestion): Promise<Socket> {
  const { connect } = await import("node:tls");
  const options: ConnectionOptions =
    typeof trust === "object"
      ? { ca: trust.ca, ...trust.own, rejectUnauthorized: true }
      : { rejectUnauthorized: false };
  return connect({ host, port, minVersion: "TLSv1.2", ...options });
}

/** By the codes of TLS's faults, as far as they say that it is no passing one. */
function kindOf(fault: unknown): "try-again" | "store-refused" {
  const code = fault instanceof Error && "code" in fault ? String(fault.code) : "";
  return /CERT|SSL|TLS|SELF_SIGNED|ISSUER/.test(code) ? "store-refused" : "try-again";
}

/** The usual reason for a certificate that was made just now. */
const adviceOn = (fault: unknown): string | undefined =>
  /not yet valid|has expired|NOT_YET_VALID|HAS_EXPIRED/.test(reasonOf(fault))
    ? "Are the clocks of both machines right?"
    : undefined;

/** Who answers nothing has too many who ask. */
const noMore = "it takes no more now: try again";

const nobodyThere = "nobody listens there, or there is no route to it";

function stateOf(fault: unknown): string {
  const reason = reasonOf(fault);
  if (/ECONNRESET|EPIPE|before secure TLS/.test(reason)) return noMore;
  // Bun says the first of them all.
  if (/ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/.test(reason)) return nobodyThere;
  return tlsReason(reason);
}
