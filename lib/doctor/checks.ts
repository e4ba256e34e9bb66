/** All checks, in the order they are shown: what others need comes first. See doctor.ts. */
import { type Check, ok, warning } from "./check.ts";
import { peerChecks } from "./probe-checks.ts";

export const rights: Check = {
  id: "machine.rights",
  asks: "Whether this may look at everything: it runs as root.",
  remedy: "`sudo socketplane doctor`",
  judge: ({ user }) => [
    user === 0
      ? ok("root")
      : warning({
          seen: `user ${user}, not root: not everything can be looked at`,
          todo: "sudo socketplane doctor",
        }),
  ],
};

export const checks: readonly Check[] = [rights, ...peerChecks];
