/** Echo requests that go on while other things happen, and how many of them were answered. */
import { start } from "./run.ts";

export interface Steady {
  /** Ends it; what was under way is waited for. */
  readonly end: () => Promise<{ readonly sent: number; readonly answered: number }>;
}

/** Pings 20 times a second until it is ended. */
export function pingSteadily(netns: string, address: string): Steady {
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const argv = [...die, "ping", "-n", "-i0.05", "-W2", address];
  const ping = start({ netns, argv, limitMs: 300_000 });
  return {
    end: async () => {
      ping.kill("SIGINT");
      const { stdout } = await ping.outcome;
      const [, sent, answered] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
      if (sent === undefined) throw new Error(`Cannot count the answers of ${address}: ${stdout}`);
      return { sent: Number(sent), answered: Number(answered) };
    },
  };
}
