/** What can be seen of a network by trying it, each try bounded. */
import { fileURLToPath } from "node:url";
import { must, run, start } from "./run.ts";

const peerProgram = fileURLToPath(new URL("tcp-peer.ts", import.meta.url));

/** True if one echo request is answered within a second. */
export async function ping(netns: string, address: string): Promise<boolean> {
  const { status } = await run({ netns, argv: ["ping", "-n", "-c1", "-W1", address] });
  return status === 0;
}

/** True if one of a few is answered: a switch may drop the first frame to a new neighbour. */
export async function reaches(netns: string, address: string): Promise<boolean> {
  const asking = start({ netns, argv: ["ping", "-n", "-c3", "-i0.2", "-W1", address] });
  // One answer is all that is asked for: the others are not waited for.
  const answered = asking.says(/^\d+ bytes from /m).then(
    () => true,
    () => false,
  );
  try {
    return await answered;
  } finally {
    asking.kill("SIGKILL");
    await asking.outcome;
  }
}

/** The MACs that answer an ARP request for an address within a second. */
export async function arping(
  netns: string,
  address: string,
  link = "eth0",
): Promise<readonly string[]> {
  const { stdout } = await run({ netns, argv: ["arping", "-c1", "-w1", "-I", link, address] });
  const answers = stdout.matchAll(/reply from \S+ \[([0-9A-F:]+)\]/g);
  return [...new Set(Array.from(answers, ([, mac = ""]) => mac.toLowerCase()))];
}

/** True if duplicate address detection finds the address free (RFC 5227). */
export async function isFree(netns: string, address: string, link = "eth0"): Promise<boolean> {
  const argv = ["arping", "-D", "-c1", "-w1", "-I", link, address];
  return (await run({ netns, argv })).status === 0;
}

export interface Transfer {
  /** How much arrived, bytes. */
  readonly received: number;
  /** The sender as the receiver saw it. */
  readonly from: string;
}

/**
 * Sends `bytes` over one TCP connection to a server started for it; undefined if they have not all
 * arrived and been counted back within a few seconds. An echo request proves less: with a wrong
 * checksum a connection opens and no data passes.
 */
export async function transfer(way: {
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly bytes?: number;
}): Promise<Transfer | undefined> {
  const node = process.execPath;
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const server = start({ netns: way.to, argv: [...die, node, peerProgram, "serve"] });
  try {
    const [, port = ""] = await server.says(/^port (\d+)$/m);
    const bytes = `${way.bytes ?? 100_000}`;
    const argv = [node, peerProgram, "send", way.address, port, bytes];
    const { stdout } = await run({ netns: way.from, argv });
    const [, received, from = ""] = /^received (\d+) from (\S+)$/m.exec(stdout) ?? [];
    return received === undefined ? undefined : { received: Number(received), from };
  } finally {
    server.kill("SIGKILL");
    await server.outcome;
  }
}

/** A link's counters and settings, as `ip -j -d -s link` gives them; undefined without the link. */
export async function link(
  netns: string,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const all: unknown = JSON.parse(await must({ netns, argv: ["ip", "-j", "-d", "-s", "link"] }));
  const links = all as readonly Readonly<Record<string, unknown>>[];
  return links.find(({ ifname }) => ifname === name);
}
