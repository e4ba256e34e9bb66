/**
 * Broken input, by a seeded generator: whatever comes in, an answer goes out.
 *
 * What holds for each case: it returns, or throws a Failure of a kind that is not "internal" and a
 * message as lib/errors.ts has them; no object's prototype is another afterwards. What a target
 * expects beside that it throws an Error about. A case is made by its number alone, so that it can
 * be run again.
 */
import { Failure, reasonOf } from "../../lib/errors.ts";
import { type Random, seeded } from "../lib/random.ts";

/** One input, and what is done with it. */
export interface Case {
  /** As it can be pasted into a test: a text, JSON, or bytes. */
  readonly input: unknown;
  /** Gives "refused" for what was refused without an exception. */
  readonly act: () => Outcome | Promise<Outcome>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a case that returns has been taken
type Outcome = "refused" | "taken" | void;

/** A parser, or what stands before it, and inputs for it. */
export interface Target {
  readonly name: string;
  readonly make: (random: Random) => Case;
}

export interface Finding {
  readonly target: string;
  /** The case's number. */
  readonly seed: number;
  readonly input: string;
  readonly fault: string;
}

export const targetOf = (targets: readonly Target[], seed: number): Target => {
  const target = targets[seed % targets.length];
  if (target === undefined) throw new Error("Cannot choose a target of none");
  return target;
};

/** Runs one case. */
export async function tryCase(
  target: Target,
  seed: number,
): Promise<{ readonly outcome: "refused" | "taken"; readonly finding: Finding | undefined }> {
  const { input, act } = target.make(seeded(seed));
  const prototypes = prototypesNow();
  let outcome: "refused" | "taken" = "taken";
  let fault: string | undefined;
  try {
    if ((await act()) === "refused") outcome = "refused";
  } catch (thrown) {
    outcome = "refused";
    fault = thrown instanceof Failure ? failureFault(thrown) : stackOf(thrown);
  }
  if (prototypesNow() !== prototypes) fault = "an object's prototype was changed";
  const finding = fault === undefined ? undefined : { target: target.name, seed, fault };
  return { outcome, finding: finding && { ...finding, input: shownInput(input) } };
}

/** What is wrong with a failure, if anything is. */
export function failureFault(failure: Failure): string | undefined {
  const { kind, message, details = "" } = failure;
  if (kind === "internal") return stackOf(failure.cause ?? failure);
  if (!/^Cannot [a-z]/.test(message)) return `its message is not as ours are: ${message}`;
  if (hasStack(message) || hasStack(details)) return `it has a stack trace: ${message}\n${details}`;
  return undefined;
}

export const hasStack = (text: string): boolean => /\n\s+at .*[:(]/.test(text);

const stackOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.stack : undefined) ?? reasonOf(thrown);

const prototypesNow = (): string =>
  [Object.prototype, Array.prototype, String.prototype]
    .map((prototype) => Object.getOwnPropertyNames(prototype).length)
    .join();

/** Characters of an input that are shown. */
const shownLength = 4000;

export function shownInput(input: unknown): string {
  const text = input instanceof Uint8Array ? `hex ${Buffer.from(input).toString("hex")}` : input;
  const said = typeof text === "string" ? text : JSON.stringify(text, bigints);
  return said.length > shownLength ? `${said.slice(0, shownLength)}... (${said.length})` : said;
}

const bigints = (_key: string, value: unknown) =>
  typeof value === "bigint" ? `${value}n` : value instanceof Uint8Array ? [...value] : value;
