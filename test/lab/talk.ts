/** A TCP connection that is open while other things happen, and whether anything passes. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { start } from "./run.ts";

const program = fileURLToPath(new URL("talk-peer.ts", import.meta.url));
const die = ["setpriv", "--pdeathsig", "KILL", process.execPath, program];
const limitMs = 300_000;
/** In which something is heard where anything passes, milliseconds. */
const whileMs = 1_000;

export interface Talk {
  /** Whether anything comes back now. */
  readonly passes: () => Promise<boolean>;
  readonly end: () => Promise<void>;
}

/** Opens a connection between two namespaces. Throws an Error where that is not to be had. */
export async function openTalk(way: {
  readonly from: string;
  readonly to: string;
  readonly address: string;
}): Promise<Talk> {
  const server = start({ netns: way.to, argv: [...die, "serve"], limitMs });
  const [, port = ""] = await server.says(/^port (\d+)$/m);
  const client = start({ netns: way.from, argv: [...die, "talk", way.address, port], limitMs });
  await client.says(/^open$/m);
  let asked = 0;
  const heard = async () => {
    asked += 1;
    client.kill("SIGUSR2");
    const [, count] = await client.says(new RegExp(`^${asked}: heard (\\d+)$`, "m"));
    return Number(count);
  };
  return {
    passes: async () => {
      const before = await heard();
      await sleep(whileMs);
      return (await heard()) > before;
    },
    end: async () => {
      for (const one of [client, server]) {
        one.kill("SIGKILL");
        await one.outcome;
      }
    },
  };
}
