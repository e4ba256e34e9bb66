/**
 * A program for reach.test.ts: asks from inside the namespace that it is given the path of, and
 * prints what came back of each.
 */
import { setTimeout as pause } from "node:timers/promises";
import { openFfi } from "#ffi";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import type { Neighbour } from "../../../lib/sys/kernel.ts";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";
import { inside } from "../../../lib/sys/netns.ts";
import type { EchoSocket, Refused } from "../../../lib/sys/reach.ts";
import { openReach } from "../../../lib/sys/reach-driver.ts";

const ffi = openFfi();
const kernel = openKernel(ffi);
const netns = kernel.openNetns(process.argv[2] ?? "");
if (netns === undefined) throw new Error("there is no such namespace");
const reach = openReach(ffi);

const at = (text: string): Neighbour => {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined) return { family: 4, address: ip4 };
  const ip6 = parseIp6(text);
  if (ip6 === undefined) throw new Error(`${text} is no address`);
  return { family: 6, address: ip6 };
};
const ip4 = (text: string) => parseIp4(text) ?? (0 as never);

/** What comes within a second, the first of it; nothing, where nothing does. */
async function first<T>(look: () => readonly T[]): Promise<T | undefined> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [one] = look();
    if (one !== undefined) return one;
    await pause(10);
  }
  return undefined;
}

const shown = (news: unknown) =>
  JSON.parse(
    JSON.stringify(news ?? "nothing", (_, one) => (typeof one === "bigint" ? `${one}` : one)),
  );

async function asked(socket: EchoSocket, ask: () => Refused): Promise<unknown> {
  // What comes late is the answer to an earlier one.
  socket.news();
  const refused = ask();
  if (refused !== undefined) return refused;
  return shown(await first(socket.news));
}

async function family(own: string, far: string) {
  const socket = inside(ffi, netns as never, () => reach.openEcho(at(own), undefined));
  const to = at(far);
  // The links are new, and IPv6 takes its time on such.
  for (let tries = 0; tries < 10; tries += 1) {
    if ((await asked(socket, () => socket.ask(to, 0, 0))) !== "nothing") break;
  }
  const results = {
    small: await asked(socket, () => socket.ask(to, 1, 0)),
    fits: await asked(socket, () => socket.ask(to, 2, 1_300)),
    tooBig: await asked(socket, () => socket.ask(to, 3, 1_301)),
    // What was learned just now is not used: it is sent again.
    again: await asked(socket, () => socket.ask(to, 65_535, 1_500)),
    overLink: await asked(socket, () => socket.ask(to, 5, 1_501)),
    closed: await asked(socket, () => socket.tell(to, 4_789, new Uint8Array(8))),
    prohibited: await asked(socket, () => socket.tell(to, 4_790, new Uint8Array(8))),
  };
  socket.close();
  return results;
}

async function byLink(link: string) {
  const socket = inside(ffi, netns as never, () => reach.openEcho(undefined, link));
  const answer = await asked(socket, () => socket.ask(at("10.99.2.1"), 7, 100));
  socket.close();
  return answer;
}

async function neighbours(link: string) {
  const links = kernel.links(netns);
  const found = links.get(link);
  if (found === undefined) throw new Error(`there is no link ${link}`);
  const socket = inside(ffi, netns as never, () => reach.openArp(found));
  const ask = async (target: string, as: string, size: number) =>
    socket.ask(ip4(target), ip4(as), size) ?? shown(await first(socket.answers));
  const results = {
    small: await ask("10.99.1.2", "10.99.1.1", 0),
    full: await ask("10.99.1.2", "0.0.0.0", 1_500),
    overLink: await ask("10.99.1.2", "0.0.0.0", 1_501),
    nobody: await ask("10.99.1.9", "0.0.0.0", 0),
  };
  socket.close();
  links.close();
  return results;
}

console.log(
  JSON.stringify({
    ip4: await family("10.99.1.1", "10.99.2.1"),
    ip6: await family("fd99:1::1", "fd99:2::1"),
    byLink: { one: await byLink("one"), side: await byLink("side") },
    neighbours: await neighbours("one"),
  }),
);
