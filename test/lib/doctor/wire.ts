/** A wire without machines: who answers what is said by the test, and time passes as it waits. */
import type { ProbeWorld } from "../../../lib/doctor/probe-ask.ts";
import type { PlannedPeer, ProbePlan, Way } from "../../../lib/doctor/probe-plan.ts";
import { formatIp4, type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import type { Neighbour } from "../../../lib/sys/kernel.ts";
import type { ArpAnswer, EchoNews, EchoSocket, Refused } from "../../../lib/sys/reach.ts";

/** How another node behaves, by its VTEP's address and its own in the network. */
export interface FakePeer {
  /** Echo requests of up to so many bytes are answered by its VTEP. */
  readonly underlay?: number;
  /** So many bytes pass through the tunnel to it. */
  readonly there?: number;
  /** And back. */
  readonly back?: number;
  /** Whether it answers echo requests in the network. */
  readonly echo?: boolean;
  readonly port?: "closed" | "prohibited";
  /** What a router says when more than `underlay` bytes come. */
  readonly router?: number;
  /** The first of all that is sent to it is lost. */
  readonly forgetful?: boolean;
  /** Its answers come so much later, milliseconds. */
  readonly late?: number;
  /** Its own address is none of those that it is asked for by. */
  readonly elsewhere?: boolean;
}

export const ip4 = (text: string): Ip4 => parseIp4(text) ?? (0 as Ip4);

export interface Wire {
  readonly world: ProbeWorld;
  /** How many were sent to each address, by any socket. */
  readonly sent: ReadonlyMap<string, number>;
  /** Milliseconds that have passed. */
  readonly now: () => number;
  readonly open: () => number;
}

/** What comes at its time. */
function openQueue<T>(now: () => number) {
  let waiting: { readonly at: number; readonly one: T }[] = [];
  return {
    push: (one: T, late = 0) => void waiting.push({ at: now() + late, one }),
    take: (): T[] => {
      const come = waiting.filter(({ at }) => at <= now());
      waiting = waiting.filter(({ at }) => at > now());
      return come.map(({ one }) => one);
    },
  };
}

/** Each pause takes `stall` milliseconds at least, as on a machine that has no time for us. */
export function openWire(peers: ReadonlyMap<string, FakePeer>, stall = 0): Wire {
  let time = 0;
  let open = 0;
  const sent = new Map<string, number>();
  const heard = new Set<string>();
  const close = () => {
    open -= 1;
  };
  /** The peer, if it hears of it. */
  const reached = (to: string): FakePeer | undefined => {
    sent.set(to, (sent.get(to) ?? 0) + 1);
    const peer = peers.get(to);
    if (peer?.forgetful !== true || heard.has(to)) return peer;
    heard.add(to);
    return undefined;
  };
  const openEcho = (_from: Neighbour | undefined, link: string | undefined): EchoSocket => {
    open += 1;
    const news = openQueue<EchoNews>(() => time);
    const ask = (to: Neighbour, number: number, size: number): Refused => {
      const peer = reached(formatIp4(to.address as Ip4));
      const both = Math.min(peer?.there ?? -1, peer?.back ?? peer?.there ?? -1);
      const passes = link === undefined ? (peer?.underlay ?? 0) : peer?.echo === false ? 0 : both;
      if (size <= passes) news.push({ what: "reply", number }, peer?.late);
      else if (link === undefined && peer?.router !== undefined)
        news.push({ what: "too big", number, mtu: peer.router });
      return undefined;
    };
    const tell = (to: Neighbour, port: number): Refused => {
      const what = reached(formatIp4(to.address as Ip4))?.port;
      if (what !== undefined) news.push({ what, to, port });
      return undefined;
    };
    return { ask, tell, news: news.take, close };
  };
  const openArp = () => {
    open += 1;
    const answers = openQueue<ArpAnswer>(() => time);
    return {
      ask: (target: Ip4, as: Ip4, size: number): Refused => {
        const peer = reached(formatIp4(target));
        if (peer !== undefined && peer.elsewhere !== true && size <= (peer.there ?? -1))
          answers.push({ by: target, to: as }, peer.late);
        return undefined;
      },
      answers: answers.take,
      close,
    };
  };
  const pause = async (ms: number) => {
    time += Math.max(ms, stall);
  };
  const world = { reach: { openEcho, openArp }, clock: () => time, pause };
  return { world, sent, now: () => time, open: () => open };
}

const link = {
  index: 7,
  name: "sp-web",
  mac: undefined,
  mtu: 1_450,
  up: true,
  running: true,
  kind: undefined,
  peerIndex: undefined,
  peerNetns: undefined,
};

export const vtepOf = (number: number): string => `192.0.2.${number}`;
export const ownOf = (number: number): string => `10.2.${number}.1`;

const way = (number: number): Way => ({
  network: "web",
  link,
  own: ip4("10.2.0.1"),
  outer: 1_500,
  targets: [ip4(ownOf(number))],
  isSure: true,
});

/** A plan of so many other nodes in network web, from 192.0.2.1. */
export function planOf(count: number, more: Partial<PlannedPeer> = {}): ProbePlan {
  const peers = Array.from({ length: count }, (_, at): PlannedPeer => {
    const number = at + 2;
    const vtep = { family: 4, address: ip4(vtepOf(number)) } as const;
    return { node: `host-${number}`, vtep, agent: true, way: way(number), ...more };
  });
  return { from: { family: 4, address: ip4(vtepOf(1)) }, peers };
}

/** The same behaviour of VTEP and node, for each. */
export const behaving = (...peers: readonly FakePeer[]): ReadonlyMap<string, FakePeer> =>
  new Map(
    peers.flatMap((peer, at) => [
      [vtepOf(at + 2), peer],
      [ownOf(at + 2), peer],
    ]),
  );
