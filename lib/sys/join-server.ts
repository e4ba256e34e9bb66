/**
 * The server that other machines may reach, strangers among them: HTTP by TLS, or plain.
 *
 * On node:tls and not node:https, for what was *measured* of Bun's: that gives no name of a client's
 * certificate, has no way to take another certificate of its own, and does not end a client that is
 * slow. So each connection has one request, a length, and a time for all of it.
 */
import type { Socket } from "node:net";
import { Failure, reasonOf } from "../errors.ts";
import { concatBytes } from "../text.ts";
import { formatReply, readRequest } from "./http-text.ts";

export interface Served {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** The client's address. */
  readonly from: string;
  /** The name in its certificate, where that is of the authority; else undefined. */
  readonly peer: string | undefined;
}

export interface ServedAnswer {
  readonly status: number;
  readonly body: string;
}

/** PEM texts: the server's own, and the authority that clients may have one of. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface JoinServerOptions {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly identity: ServerIdentity | undefined;
  /** The longest body, bytes. */
  readonly longest: number;
  /** Milliseconds that one connection may take, its handshake included. */
  readonly patienceMs: number;
  readonly answer: (request: Served) => Promise<ServedAnswer>;
  /** Connections, in all and of one address; by default 32, 4 and 50. */
  readonly limits?: { readonly atOnce: number; readonly ofOne: number; readonly aSecond: number };
}

export interface JoinServer {
  /** Has new connections see another certificate. */
  readonly renew: (identity: ServerIdentity) => void;
  readonly close: () => void;
}

/** More at a time, and more in a second, are refused: a handshake costs a millisecond of everything. */
const usualLimits = { atOnce: 32, ofOne: 4, aSecond: 50 } as const;
/** Milliseconds for a handshake, and for a request to come; its answer may take longer. */
const requestMs = 2_000;

/** Throws Failure "io" where the port is taken, or the certificate is of no use. */
export async function serveJoining(options: JoinServerOptions): Promise<JoinServer> {
  const { host, port, identity, patienceMs, limits = usualLimits } = options;
  /** With the address of each. */
  const open = new Map<Socket, string | undefined>();
  const net = await import("node:net");
  const tls = await import("node:tls");
  const asked = { requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.2" } as const;
  const refuse = (fault: unknown) =>
    new Failure("io", `Cannot listen on ${host}:${port}: ${reasonOf(fault)}`, { cause: fault });
  const secure = () => {
    try {
      return tls.createServer({ ...identity, ...asked, handshakeTimeout: requestMs }, (socket) => {
        const name = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
        converse(socket, typeof name === "string" ? name : undefined, options);
      });
    } catch (fault) {
      throw refuse(fault);
    }
  };
  const secured = identity === undefined ? undefined : secure();
  const server = secured ?? net.createServer((socket) => converse(socket, undefined, options));
  const second = { since: 0, count: 0 };
  const isTooMany = (from: string | undefined) => {
    const now = performance.now();
    if (now - second.since > 1_000) Object.assign(second, { since: now, count: 0 });
    second.count += 1;
    const ofOne = [...open.values()].filter((one) => one === from).length;
    return second.count > limits.aSecond || open.size > limits.atOnce || ofOne > limits.ofOne;
  };
  // From the first byte on, TLS's own included: what lasts longer is cut off.
  server.on("connection", (socket: Socket) => {
    const from = socket.remoteAddress;
    open.set(socket, from);
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.once("close", () => {
      clearTimeout(timer);
      open.delete(socket);
    });
    socket.on("error", () => socket.destroy());
    if (isTooMany(from)) socket.destroy();
  });
  secured?.on("tlsClientError", (_fault, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (fault) => reject(refuse(fault)));
    server.listen(port, host, resolve);
  });
  server.on("error", () => {});
  return {
    renew: (next) => void secured?.setSecureContext({ ...next }),
    close: () => {
      server.close();
      for (const socket of open.keys()) socket.destroy();
    },
  };
}

function converse(
  socket: Socket,
  peer: string | undefined,
  { longest, answer }: JoinServerOptions,
): void {
  const pieces: Uint8Array[] = [];
  let isRead = false;
  const late = setTimeout(() => socket.destroy(), requestMs);
  socket.once("close", () => clearTimeout(late));
  const reply = (given: ServedAnswer) => {
    if (!socket.destroyed) socket.end(formatReply(given));
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (piece: Uint8Array) => {
    // What comes after the request is nobody's.
    if (isRead) return;
    pieces.push(piece);
    const read = readRequest(concatBytes(pieces), longest);
    if (read.state === "more") return;
    isRead = true;
    clearTimeout(late);
    if (read.state === "bad") {
      return reply({ status: read.status, body: `${JSON.stringify({ error: read.reason })}\n` });
    }
    const from = socket.remoteAddress ?? "unknown";
    answer({ ...read.value, from, peer }).then(reply, () => socket.destroy());
  });
}
