/** What passes a link, as tcpdump sees it. */
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "./run.ts";

export interface Capture {
  /** Ends it and gives what was seen: one line a frame, with its Ethernet header. */
  readonly stop: () => Promise<readonly string[]>;
}

/** Milliseconds that a frame may take from the link to tcpdump's output. */
const settleMs = 200;

/** Starts to listen and returns when it does. `filter` is a pcap filter; without one, all frames. */
export async function capture(netns: string, link: string, filter = ""): Promise<Capture> {
  const options = ["--immediate-mode", "-l", "-n", "-e", "-tt", "-i", link];
  const tcpdump = start({
    netns,
    argv: ["setpriv", "--pdeathsig", "KILL", "tcpdump", ...options, filter],
    limitMs: 120_000,
  });
  await tcpdump.says(/listening on/);
  return {
    stop: async () => {
      await sleep(settleMs);
      tcpdump.kill("SIGINT");
      const { stdout } = await tcpdump.outcome;
      return stdout.split("\n").filter((line) => line !== "");
    },
  };
}
