/** The way into the cluster: served, written down in the store, and announced. */
import { type Announcer, announce } from "../cluster/announce.ts";
import { openEntrance } from "../cluster/entrances.ts";
import { openJoinService } from "../cluster/join-service.ts";
import { longest } from "../cluster/messages.ts";
import { deadlineIn } from "../deadline.ts";
import type { Log } from "../log.ts";
import type { Session } from "../store/store.ts";
import type { JoinServer } from "../sys/join-server.ts";
import type { Own } from "./own.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

export interface WayIn {
  /** Opens it where it is wanted, as it is wanted now; else closes it. Throws where it can't be had. */
  readonly keep: (own: Own) => Promise<void>;
  /** Announces it, if it is open and not announced yet. */
  readonly announce: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Opened {
  readonly own: Own;
  readonly server: JoinServer;
  session?: Session;
  announcer?: Announcer;
}

/** How long the store has for an answer, milliseconds. */
const answerMs = 5_000;
/** How long a stranger may take for one request, milliseconds. */
const patienceMs = 10_000;

export function openWayIn(world: AgentWorld, node: ThisNode, log: Log): WayIn {
  const { registry, config } = node;
  const { port, insecure } = config.agent.join;
  let opened: Opened | undefined;

  const close = async () => {
    const before = opened;
    opened = undefined;
    before?.server.close();
    await before?.announcer?.close();
    await before?.session?.close();
  };
  const open = async (own: Own): Promise<Opened> => {
    const { authority, member, address } = own;
    const server = await world.serveJoining({
      host: address,
      port,
      identity: authority && member,
      longest: longest.question,
      patienceMs,
      answer: openJoinService({
        registry,
        authority,
        store: config.store.type === "etcd" ? config.store : { endpoints: [], prefix: "" },
        address,
        clock: world.clock,
        wallClock: world.wallClock,
        log,
      }),
    });
    log.info("takes others into the cluster", { address, port });
    return { own, server };
  };
  return {
    keep: async (own) => {
      const { authority, member } = own;
      const isWanted = authority !== undefined || (insecure && member === undefined);
      if (opened !== undefined && !(isWanted && isSameWay(opened.own, own))) await close();
      if (!isWanted) return;
      if (opened === undefined) opened = await open(own);
      else if (member !== undefined && member.cert !== opened.own.member?.cert) {
        opened.server.renew(member);
        opened = { ...opened, own };
      }
      const entrance = { node: own.name, host: own.address, port };
      opened.session ??= await openEntrance(registry, entrance, deadlineIn(world.clock, answerMs));
    },
    announce: async () => {
      if (opened === undefined || opened.announcer !== undefined) return;
      const { name, address, authority } = opened.own;
      const cluster = await registry.store.identity(deadlineIn(world.clock, answerMs));
      opened.announcer = announce(await world.openMdns(address), {
        cluster,
        node: name,
        host: address,
        port,
        authority: authority?.hash,
        version: world.version,
      });
    },
    close,
  };
}

/** Whoever joined a group on a link that is gone hears nothing of the one that has its name now. */
const isSameWay = (a: Own, b: Own): boolean =>
  a.address === b.address &&
  a.link === b.link &&
  a.name === b.name &&
  a.authority?.hash === b.authority?.hash;
