/**
 * A daemon's control socket, as ovs-appctl(8) uses it: a command, and the text that answers it.
 *
 * Source: JSON-RPC 1.0, one object for each side; lib/unixctl.c in Open vSwitch.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";
import { bytesOfText } from "../text.ts";
import { type JsonObject, jsonSplitter } from "./json-stream.ts";
import { receiveFrom } from "./receive.ts";

export interface Control {
  /**
   * Runs a command and gives its text. Throws Failure "switch-refused" with the daemon's own words
   * where it will not, "try-again" at the deadline, "io" where it hung up.
   */
  readonly call: (command: string, args: readonly string[], deadline: Deadline) => string;
  readonly close: () => void;
}

export function openControl(stream: ByteStream): Control {
  const splitter = jsonSplitter();
  const waiting: JsonObject[] = [];
  const peer = { subject: `"${stream.peer}"`, who: "ovs-vswitchd" };
  let last = 0;

  const replyTo = (id: number, deadline: Deadline): JsonObject => {
    for (;;) {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        // An earlier one is the answer to what was given up.
        if (one.id === id) return one;
      }
      waiting.push(...splitter.push(receiveFrom(stream, peer, deadline)));
    }
  };
  return {
    call: (command, args, deadline) => {
      last += 1;
      const message = JSON.stringify({ id: last, method: command, params: args });
      stream.send(bytesOfText(message), deadline);
      const { result, error } = replyTo(last, deadline);
      if (typeof error === "string") throw refused(command, error);
      if (typeof result === "string") return result;
      throw new Failure("decode", `Cannot read the switch's answer to "${command}": it is no text`);
    },
    close: stream.close,
  };
}

const refused = (command: string, error: string) =>
  new Failure("switch-refused", `Cannot run "${command}" in the switch: ${error.trim()}`);

/** Open vSwitch's run directory, as a connection to its daemon is made there. */
export interface ControlPlace {
  readonly list: () => readonly string[];
  /** The text of a file; undefined if there is none. */
  readonly read: (name: string) => string | undefined;
  readonly connect: (name: string) => ByteStream;
}

/**
 * Connects to ovs-vswitchd, by each socket that may be its own: one that was killed has left its
 * socket behind. Throws what the last of them threw.
 */
export function reachControl({ list, read, connect }: ControlPlace): Control {
  let fault: unknown = new Failure("try-again", "there is no control socket of it");
  for (const name of controlSockets(list(), read(`${daemon}.pid`))) {
    try {
      return openControl(connect(name));
    } catch (thrown) {
      fault = thrown;
    }
  }
  throw fault;
}

/**
 * Which of the names may be the daemon's socket, the likeliest first: `pid` is what its pid file
 * says, which is that container's for a daemon in one.
 */
export function controlSockets(
  names: readonly string[],
  pid: string | undefined,
): readonly string[] {
  const own = `${daemon}.${pid?.trim()}.ctl`;
  const all = names.filter((name) => name.startsWith(`${daemon}.`) && name.endsWith(".ctl"));
  return [...all].sort((a, b) => Number(b === own) - Number(a === own) || (a < b ? -1 : 1));
}

const daemon = "ovs-vswitchd";
