/**
 * Asks by sockets, and keeps what comes back by what was asked. See doctor.ts for the folder's note.
 */
import { formatVtep } from "../ipam/nodes.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Neighbour } from "../sys/kernel.ts";
import type { EchoSocket, Reach, Refused } from "../sys/reach.ts";
import type { Answer } from "./probe-facts.ts";
import type { Way } from "./probe-plan.ts";

export interface Echoes {
  /** Asks for an echo under a name; asked again, an answer to either counts. */
  readonly ask: (name: string, to: Neighbour, size: number) => void;
  /** Undefined for what was never asked. */
  readonly answer: (name: string) => Answer | undefined;
  /** The least MTU that a router has told of, bytes, on the way of what was asked under a name. */
  readonly told: (name: string) => number | undefined;
  /** Sends a datagram, and what was said of those to that address so far. */
  readonly tell: (to: Neighbour, port: number, payload: Uint8Array) => void;
  readonly said: (to: Neighbour) => "silent" | "closed" | "prohibited";
  readonly look: () => void;
}

export interface Neighbours {
  readonly ask: (target: Ip4, as: Ip4, size: number) => void;
  readonly answer: (target: Ip4, as: Ip4) => Answer | undefined;
  readonly look: () => void;
}

export interface ProbeSockets {
  readonly underlay: Echoes;
  /** By a network's own port. */
  readonly within: (way: Way) => { readonly echoes: Echoes; readonly neighbours: Neighbours };
  /** Takes what has come by all of them. */
  readonly look: () => void;
  readonly close: () => void;
}

/** Those of a network are opened when it is first asked for. Throws SysError. */
export function openSockets(reach: Reach, from: Neighbour): ProbeSockets {
  const open: { readonly close: () => void }[] = [];
  const kept = <T extends { readonly close: () => void }>(socket: T): T => {
    open.push(socket);
    return socket;
  };
  const close = () => {
    for (const socket of open.splice(0)) socket.close();
  };
  const underlay = echoesBy(kept(reach.openEcho(from, undefined)));
  const networks = new Map<string, ReturnType<ProbeSockets["within"]>>();
  const openNetwork = ({ link }: Way) => ({
    echoes: echoesBy(kept(reach.openEcho(undefined, link.name))),
    neighbours: neighboursBy(kept(reach.openArp(link))),
  });
  return {
    underlay,
    within: (way) => {
      const opened = networks.get(way.network) ?? openNetwork(way);
      networks.set(way.network, opened);
      return opened;
    },
    look: () => {
      underlay.look();
      for (const { echoes, neighbours } of networks.values()) {
        echoes.look();
        neighbours.look();
      }
    },
    close,
  };
}

/** Numbers of echo requests have 16 bits: those of the last so many are known. */
const numbers = 0x10000;

function echoesBy(socket: EchoSocket): Echoes {
  const asked: string[] = [];
  let next = 0;
  const answers = new Map<string, Answer>();
  const told = new Map<string, number>();
  const said = new Map<string, "closed" | "prohibited">();
  return {
    ask: (name, to, size) => {
      const number = next % numbers;
      next += 1;
      asked[number] = name;
      note(answers, name, socket.ask(to, number, size));
    },
    answer: (name) => answers.get(name),
    told: (name) => told.get(name),
    tell: (to, port, payload) => void socket.tell(to, port, payload),
    said: (to) => said.get(formatVtep(to)) ?? "silent",
    look: () => {
      for (const news of socket.news()) {
        switch (news.what) {
          case "reply":
            answers.set(asked[news.number] ?? "", "answered");
            break;
          case "too big": {
            const name = asked[news.number] ?? "";
            if (news.mtu !== undefined)
              told.set(name, Math.min(news.mtu, told.get(name) ?? news.mtu));
            break;
          }
          default:
            said.set(formatVtep(news.to), news.what);
        }
      }
    },
  };
}

function neighboursBy(socket: ReturnType<Reach["openArp"]>): Neighbours {
  const answers = new Map<string, Answer>();
  const nameOf = (target: Ip4, as: Ip4) => `${target} ${as}`;
  return {
    ask: (target, as, size) => note(answers, nameOf(target, as), socket.ask(target, as, size)),
    answer: (target, as) => answers.get(nameOf(target, as)),
    look: () => {
      for (const { by, to } of socket.answers()) answers.set(nameOf(by, to), "answered");
    },
  };
}

/** One that was answered stays so. */
function note(answers: Map<string, Answer>, name: string, refused: Refused): void {
  if (answers.get(name) !== "answered") answers.set(name, refused ?? "unanswered");
}
