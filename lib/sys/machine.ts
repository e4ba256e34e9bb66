/** What the cluster command asks of this machine, and changes on it (lib/cluster/world.ts). */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";

/** Whether a TCP port of an own address can be listened on; one that is none of ours can't. */
export const isPortFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });

export const exists = existsSync;

/** Symlinks in it are removed, not followed. */
export const removeTree = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true });
