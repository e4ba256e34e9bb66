/** A command that could not be started. See supervise.ts for the folder's note. */
import { Failure } from "../errors.ts";
import type { ExitStatus } from "../sys/processes.ts";

export class NotStarted extends Failure {
  /** As shells have it: 127 where there is no such program, 126 where it can't be run. */
  readonly status: ExitStatus;

  constructor(command: string, errno: string) {
    const absent = errno === "ENOENT";
    const denied = errno === "EACCES" ? "it is not executable" : errno;
    super("io", `Cannot run "${command}": ${absent ? "there is no such program" : denied}`, {
      details: absent
        ? "There are no images: a command is one of this machine's own programs."
        : undefined,
    });
    this.status = absent ? 127 : 126;
  }
}
