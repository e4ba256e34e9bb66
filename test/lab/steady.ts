/** Echo requests that go on while other things happen, and how many of them were answered. */
import { start } from "./run.ts";

export interface Steady {
  /** Ends it. What was under way is not counted. */
  readonly end: () => Promise<{ readonly sent: number; readonly answered: number }>;
}

/** How many requests at the end may be without their answers yet: of the last fifth of a second. */
const underWay = 4;

/** Pings 20 times a second until it is ended. */
export function pingSteadily(netns: string, address: string): Steady {
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const argv = [...die, "ping", "-n", "-i0.05", "-W2", address];
  const ping = start({ netns, argv, limitMs: 300_000 });
  return {
    end: async () => {
      ping.kill("SIGINT");
      const { stdout } = await ping.outcome;
      const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1]);
      if (Number.isNaN(sent)) throw new Error(`Cannot count the answers of ${address}: ${stdout}`);
      const answered = Array.from(stdout.matchAll(/icmp_seq=(\d+)/g), ([, number]) =>
        Number(number),
      );
      const last = Math.max(0, ...answered);
      // It does not wait for what is under way.
      const counted = sent - last <= underWay ? last : sent;
      return { sent: counted, answered: new Set(answered).size };
    },
  };
}
