/**
 * An AF_UNIX stream for a process that waits for many things at once: the agent.
 *
 * Sources: unix(7); node:net, which is loaded here on the first connection only.
 */
import { Failure, reasonOf } from "../errors.ts";

export interface EventedStream {
  readonly send: (bytes: Uint8Array) => void;
  /** What comes, until the peer closes or the stream breaks, which both end it. */
  readonly received: AsyncIterable<Uint8Array>;
  readonly close: () => void;
}

/**
 * Connects to a socket by its path. Throws Failure "try-again" where nobody is behind it, and when
 * the signal aborts, which afterwards ends the stream too.
 */
export async function connectEvented(path: string, signal: AbortSignal): Promise<EventedStream> {
  const { createConnection } = await import("node:net");
  const socket = createConnection({ path });
  const close = () => void socket.destroy();
  signal.addEventListener("abort", close);
  socket.once("close", () => signal.removeEventListener("abort", close));
  const connected = new Promise<void>((resolve, reject) => {
    const refuse = (state: string) =>
      reject(new Failure("try-again", `Cannot connect to "${path}": ${state}`));
    socket.once("connect", resolve);
    socket.once("error", (fault) => refuse(reasonOf(fault)));
    socket.once("close", () => refuse("it was closed"));
  });
  if (signal.aborted) close();
  await connected;
  // Whoever reads learns of a break by the end; whoever sends learns of it by reading.
  socket.on("error", () => {});
  return { send: (bytes) => void socket.write(bytes), received: received(socket), close };
}

async function* received(socket: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    for await (const bytes of socket) yield bytes;
  } catch {
    // Broken off, which ends it as a close does.
  }
}
