/** What comes from one of Open vSwitch's daemons, or why nothing does. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";

/**
 * Waits for bytes. Throws Failure "io" when the daemon hung up, "try-again" at the deadline; both
 * say "Cannot talk to <subject>: <who> ...".
 */
export function receiveFrom(
  stream: ByteStream,
  { subject, who }: { readonly subject: string; readonly who: string },
  deadline: Deadline,
): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = stream.receive(deadline);
  } catch (fault) {
    if (!(fault instanceof Failure) || fault.kind !== "try-again") throw fault;
    throw new Failure("try-again", `Cannot talk to ${subject}: ${who} does not answer`, {
      details: "Open vSwitch is stopped, hung or too busy: see its logs.",
      cause: fault,
    });
  }
  if (bytes !== undefined) return bytes;
  throw new Failure("io", `Cannot talk to ${subject}: ${who} hung up`);
}
