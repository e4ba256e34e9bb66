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
  const listening = await listen(netns, link, filter, ["-e", "-tt"]);
  return {
    stop: async () => (await listening.stop()).split("\n").filter((line) => line !== ""),
  };
}

/** The same for the frames themselves, byte by byte. */
export async function captureFrames(
  netns: string,
  link: string,
  filter = "",
): Promise<{ readonly stop: () => Promise<readonly Uint8Array[]> }> {
  const listening = await listen(netns, link, filter, ["-xx", "-t"]);
  return {
    stop: async () => {
      // A line that says what it is, then lines of "0x0010:  4500 001c ...".
      const frames = (await listening.stop())
        .split(/^(?=\S)/m)
        .filter((text) => text.trim() !== "");
      return frames.map((text) => {
        const hex = Array.from(text.matchAll(/^\s+0x\w+: +(.*)$/gm), ([, bytes = ""]) => bytes);
        return Buffer.from(hex.join("").replaceAll(" ", ""), "hex");
      });
    },
  };
}

async function listen(netns: string, link: string, filter: string, form: readonly string[]) {
  const options = ["--immediate-mode", "-l", "-n", ...form, "-i", link];
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
      return (await tcpdump.outcome).stdout;
    },
  };
}
