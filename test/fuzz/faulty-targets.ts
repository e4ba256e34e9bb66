/** Targets with faults in them: what the search for faults must find. */
import { Failure } from "../../lib/errors.ts";
import type { Target } from "./case.ts";

/** A parser that is right but for one input of about fifty. */
const withFault = (name: string, fault: () => unknown): Target => ({
  name,
  make: (random) => {
    const input = random.below(50);
    return {
      input,
      act: () => {
        if (input === 7) fault();
        throw new Failure("decode", `Cannot read ${input}: it is no text`);
      },
    };
  },
});

export const targets: readonly Target[] = [
  withFault("another exception", () => JSON.parse("{")),
  withFault("a fault of ours", () => {
    throw new Failure("internal", "Cannot go on: it broke");
  }),
  withFault("a message not as ours", () => {
    throw new Failure("decode", "bad input");
  }),
  withFault("a stack trace", () => {
    throw new Failure("decode", "Cannot read it: so", { details: new Error("x").stack });
  }),
  withFault("a prototype", () => {
    const prototype: Record<string, unknown> = Object.prototype as never;
    prototype.polluted = true;
    delete prototype.polluted;
    prototype[`polluted${Object.keys(prototype).length}`] = true;
  }),
];
