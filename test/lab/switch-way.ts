/**
 * A way to a node's Open vSwitch that changes what comes back on it: its sockets under another
 * folder. What is sent goes through.
 */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { messageSplitter } from "../../lib/ovs/message-stream.ts";

/** An OpenFlow message, or some bytes of the database's reply as they come. */
export interface ReplyPart {
  readonly socket: "db.sock" | "sp0.mgmt";
  /** From 1 on, of its connection. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** What comes instead; with "end" it is the last, and nobody waits for more. */
export interface Instead {
  readonly bytes: Uint8Array;
  readonly after: "end" | "go on";
}

export interface SwitchWay {
  /** As Open vSwitch's run directory. */
  readonly runDir: string;
  /** Asked about each part of a reply from now on; undefined lets it through as it is. */
  readonly change: (by: (part: ReplyPart) => Instead | undefined) => void;
  readonly close: () => Promise<void>;
}

export async function openSwitchWay(realDir: string, runDir: string): Promise<SwitchWay> {
  mkdirSync(runDir);
  const sockets = new Set<Socket>();
  let changed: (part: ReplyPart) => Instead | undefined = () => undefined;
  const serve = async (socket: ReplyPart["socket"]): Promise<Server> => {
    const server = createServer((client) => {
      const real = connect(join(realDir, socket));
      for (const one of [client, real]) {
        sockets.add(one);
        one
          .on("error", () => {})
          .on("close", () => {
            sockets.delete(one);
            client.destroy();
            real.destroy();
          });
      }
      client.pipe(real);
      const splitter = messageSplitter();
      let number = 0;
      real.on("data", (data: Buffer) => {
        for (const bytes of socket === "sp0.mgmt" ? splitter.push(data) : [data]) {
          if (client.writableEnded) return;
          number += 1;
          const instead = changed({ socket, number, bytes });
          if (instead?.after === "end") client.end(instead.bytes);
          else client.write(instead?.bytes ?? bytes);
        }
      });
    });
    server.listen(join(runDir, socket));
    await once(server, "listening");
    return server;
  };
  const servers = [await serve("db.sock"), await serve("sp0.mgmt")];
  return {
    runDir,
    change: (by) => {
      changed = by;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) {
        server.close();
        await once(server, "close");
      }
    },
  };
}
