/** Servers in containers, and who they say has asked them. */
import { fileURLToPath } from "node:url";
import { must, start } from "./run.ts";

const program = fileURLToPath(new URL("service-peer.ts", import.meta.url));
const die = ["setpriv", "--pdeathsig", "KILL"];

export interface Server {
  readonly stop: () => Promise<void>;
}

/** Starts servers for TCP and UDP on these ports of a namespace, in both families. */
export async function startServer(
  netns: string,
  name: string,
  ports: readonly number[],
): Promise<Server> {
  const argv = [...die, process.execPath, program, "serve", name, ...ports.map(String)];
  const server = start({ netns, argv, limitMs: 600_000 });
  await server.says(/^ready$/m);
  return {
    stop: async () => {
      server.kill("SIGKILL");
      await server.outcome;
    },
  };
}

/**
 * Asks servers, all at once. Gives for each who answered and whom it saw, "name address", where
 * everything sent has arrived; undefined where it has not within a few seconds.
 */
export async function ask<Names extends string>(
  netns: string,
  tries: Readonly<Record<Names, { protocol: "tcp" | "udp"; address: string; port: number }>>,
): Promise<Readonly<Record<Names, string | undefined>>> {
  const names = Object.keys(tries) as Names[];
  const whats = names.map((name) => {
    const { protocol, address, port } = tries[name];
    return `${protocol}/${address}/${port}`;
  });
  const argv = [...die, process.execPath, program, "ask", ...whats];
  const answers = new Map(
    (await must({ netns, argv })).split("\n").map((line) => {
      const [what = "", name = "", length = "", from = ""] = line.split(" ");
      const whole = length === (what.startsWith("tcp") ? "50000" : "1200");
      return [what, whole ? `${name} ${from}` : undefined];
    }),
  );
  const entries = names.map((name, index) => [name, answers.get(whats[index] ?? "")] as const);
  return Object.fromEntries(entries) as Record<Names, string | undefined>;
}
