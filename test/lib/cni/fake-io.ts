/** A world for runPlugin: its environment, what is on stdin, and what came out. */

import type { Honours, Request } from "../../../lib/cni/request.ts";
import { noDns, type Result } from "../../../lib/cni/result.ts";
import { type Commands, type Io, runPlugin } from "../../../lib/cni/run.ts";
import type { Input } from "../../../lib/cni/stdin.ts";
import type { Deadline } from "../../../lib/deadline.ts";

export const ownNetns = "/proc/self/ns/net";

/** What a runtime gives with each attachment. */
export const attachmentEnv = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/c1",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};

export const emptyResult: Result = { interfaces: [], ips: [], routes: [], dns: noDns };

/** A result that every version can say. */
export const smallResult: Result = {
  ...emptyResult,
  ips: [{ family: 4, address: 0x0a020002 as never, length: 16 }],
};

export interface Given {
  readonly env: Io["env"];
  /** A value as JSON, a text or bytes as they are; a function is asked chunk by chunk. */
  readonly stdin?: unknown;
  /** What stdin said, where it was read already. */
  readonly input?: Input;
  readonly honours?: ReturnType<Honours>;
  readonly result?: Result;
  /** What each command does, told its request. */
  readonly act?: (request: Request) => void;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  readonly said: Record<string, unknown>;
  readonly requests: readonly Request[];
  /** Milliseconds that were waited. */
  readonly waited: number;
}

/** Runs one command. Time passes only by waiting for stdin. */
export async function run(given: Given): Promise<Ran> {
  let now = 0;
  const out = { stdout: "", stderr: "" };
  const requests: Request[] = [];
  const take = async (request: Request) => {
    requests.push(request);
    given.act?.(request);
  };
  const io: Io = {
    env: given.env,
    clock: () => now,
    readStdin: reader(given.stdin, (ms) => {
      now += ms;
    }),
    writeStdout: (text) => {
      out.stdout += text;
    },
    writeStderr: (text) => {
      out.stderr += text;
    },
    isOwnNetns: (path) => path === ownNetns,
  };
  const commands: Commands = {
    about: "CNI plugin fake v1",
    honours: () => given.honours ?? [],
    add: async (request) => {
      await take(request);
      return given.result ?? smallResult;
    },
    check: take,
    del: take,
    gc: take,
    status: take,
  };
  const status = await runPlugin(io, commands, given.input);
  const said = out.stdout === "" ? {} : JSON.parse(out.stdout);
  return { status, ...out, said, requests, waited: now };
}

/** Something that never comes: a terminal, a pipe that nobody closes. */
export const silence = (deadline: Deadline, wait: (ms: number) => void): never => {
  wait(deadline.left());
  throw new Error("nothing came in time");
};

type Chunks = (deadline: Deadline, wait: (ms: number) => void) => Uint8Array | undefined;

function reader(stdin: unknown, wait: (ms: number) => void): Io["readStdin"] {
  if (typeof stdin === "function") return (deadline) => (stdin as Chunks)(deadline, wait);
  const chunks = [bytesOf(stdin)].filter((chunk) => chunk.length > 0);
  return () => chunks.shift();
}

function bytesOf(stdin: unknown): Uint8Array {
  if (stdin === undefined) return new Uint8Array();
  if (stdin instanceof Uint8Array) return stdin;
  return Buffer.from(typeof stdin === "string" ? stdin : JSON.stringify(stdin));
}
