/** What a command is told on stdin. See run.ts for the folder's note. */
import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { type FailureKind, reasonOf } from "../errors.ts";
import { faultInJson } from "../json-fault.ts";
import { concatBytes } from "../text.ts";
import type { Command } from "./environment.ts";

export interface Stdin {
  /**
   * Whatever has come, at least one byte, in a buffer of the caller's own; undefined at its end.
   * Throws at the deadline, and when it cannot be read.
   */
  readonly readStdin: (deadline: Deadline) => Uint8Array | undefined;
  readonly clock: Clock;
}

export interface Input {
  /** As they came: a delegate is given the same. */
  readonly bytes: Uint8Array;
  /** What they say; undefined if they aren't JSON. */
  readonly json: unknown;
  /** Why there is no JSON. */
  readonly fault: { readonly kind: FailureKind; readonly state: string } | undefined;
}

/**
 * VERSION must answer whatever stdin is, be it a terminal or a pipe that nobody closes; but it
 * should echo the version that it is asked in, which the runtime writes while we start. So it takes
 * what comes in a short time and doesn't ask for more once it has a whole value.
 */
const patience: Readonly<Record<"probe" | "configuration", { ms: number; bytes: number }>> = {
  probe: { ms: 250, bytes: 64 * 1024 },
  configuration: { ms: 30_000, bytes: 16 * 1024 * 1024 },
};

/** Reads all of stdin; for VERSION, what can be had of it. Never throws. */
export function readInput(stdin: Stdin, command: Command): Input {
  const probing = command === "VERSION";
  const { ms, bytes: limit } = probing ? patience.probe : patience.configuration;
  const deadline = deadlineIn(stdin.clock, ms);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const chunk = stdin.readStdin(deadline);
      if (chunk === undefined) return decode(concatBytes(chunks));
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) return none("decode", `stdin holds more than ${limit} bytes`);
      const sofar = probing ? decode(concatBytes(chunks)) : undefined;
      if (sofar !== undefined && sofar.fault === undefined) return sofar;
      // Whoever writes a byte now and then would keep every single read from being late.
      if (deadline.left() === 0) return none("io", `stdin has no end after ${ms} ms`);
    }
  } catch (error) {
    return none("io", `stdin cannot be read: ${reasonOf(error)}`);
  }
}

const none = (kind: FailureKind, state: string): Input => ({
  bytes: new Uint8Array(),
  json: undefined,
  fault: { kind, state },
});

function decode(bytes: Uint8Array): Input {
  if (bytes.length === 0) return none("decode", "stdin is empty, not a plugin's configuration");
  const text = textOf(bytes);
  if (text === undefined) return none("decode", "stdin is not UTF-8");
  try {
    return { bytes, json: JSON.parse(text), fault: undefined };
  } catch {
    return none("decode", `stdin is not JSON: ${faultInJson(text)}`);
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
