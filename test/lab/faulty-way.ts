/**
 * A TCP proxy that loses answers and delays requests, at the very request that a test names: what a
 * network or a dying server does to a client at the worst moment.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export type Mischief =
  /** The request arrives; its answer doesn't, and the client's connection ends. */
  | "lose the answer"
  /** The client's connection ends; the request arrives when it is let go. */
  | "hold the request"
  /** The request arrives and its answer doesn't; the connection stays. */
  | "swallow the answer";

export interface FaultyWay {
  readonly url: string;
  /** Does it to the next request that contains the text. */
  readonly next: (text: string, mischief: Mischief) => void;
  /** Resolves when that has happened. */
  readonly happened: () => Promise<void>;
  /** Lets go what was held; the server has answered it, to nobody, when this resolves. */
  readonly letGo: () => Promise<void>;
  /** Ends all connections, and refuses new ones or not. */
  readonly cut: (then: "refuse" | "accept") => void;
  readonly close: () => Promise<void>;
}

/** Stands before a server, given as URL. Requests are found in bytes in the clear only. */
export async function startFaultyWay(server: string, address = "127.0.0.1"): Promise<FaultyWay> {
  const { protocol, hostname, port } = new URL(server);
  const sockets = new Set<Socket>();
  const held: (() => Promise<void>)[] = [];
  let wanted: { readonly text: string; readonly mischief: Mischief } | undefined;
  let done = Promise.withResolvers<void>();
  let refusing = false;

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const serve = (client: Socket) => {
    if (refusing) return client.destroy();
    const upstream = connect(Number(port), hostname);
    let deaf = false;
    keep(client);
    keep(upstream);
    client.on("data", (chunk) => {
      if (wanted === undefined || !chunk.includes(wanted.text)) return void upstream.write(chunk);
      const { mischief } = wanted;
      wanted = undefined;
      deaf = true;
      const send = async () => {
        upstream.write(chunk);
        await once(upstream, "data");
      };
      if (mischief === "hold the request") held.push(send);
      else upstream.write(chunk);
      if (mischief !== "swallow the answer") client.destroy();
      done.resolve();
    });
    upstream.on("data", (chunk) => {
      if (!deaf) client.write(chunk);
    });
    client.on("close", () => {
      if (!deaf) upstream.destroy();
    });
    upstream.on("close", () => client.destroy());
  };
  const listener = createServer(serve).listen(0, address);
  await once(listener, "listening");
  const bound = listener.address();
  if (bound === null || typeof bound === "string") throw new Error("Cannot listen");
  return {
    url: `${protocol}//${address}:${bound.port}`,
    next: (text, mischief) => {
      wanted = { text, mischief };
      done = Promise.withResolvers();
    },
    happened: () => done.promise,
    letGo: async () => {
      for (const send of held.splice(0)) await send();
    },
    cut: (then) => {
      refusing = then === "refuse";
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
