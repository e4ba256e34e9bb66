/** What a refused command must be like, whatever it was refused for. */
import { expect } from "vitest";
import type { CniOutcome } from "../lab/node.ts";

export interface Refusal {
  /** CNI's code. */
  readonly code: number;
  /** What the message and its details say, as texts that they hold. */
  readonly says: readonly string[];
}

/**
 * Expects exit status 1 and, as the only thing on stdout, one error object of that code, whose
 * message is of the form "Cannot <action> <subject>: <state>" and says the words.
 */
export function expectRefusal(outcome: CniOutcome, { code, says }: Refusal): void {
  const { status, signal, stdout, stderr } = outcome;
  expect({ status, signal }, stdout).toEqual({ status: 1, signal: undefined });
  expect(stdout.endsWith("}\n"), stdout).toBe(true);
  const error = JSON.parse(stdout);
  const { cniVersion, msg, details = "", ...rest } = error;
  expect(rest, stdout).toEqual({ code });
  expect(cniVersion).toMatch(/^\d\.\d\.\d$/);
  expect(msg).toMatch(/^Cannot \S+ .+?: \S/);
  const said = `${msg}\n${details}`;
  for (const words of says) expect(said).toContain(words);
  // A trace is of use to nobody but us.
  expect(`${said}\n${stderr}`).not.toMatch(/\n\s+at |\$bunfs/);
}
