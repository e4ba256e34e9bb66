/**
 * A program in our plugin's place, which runs it: it writes down how a runtime calls it, and can
 * be held, so that the runtime is in the midst of a call.
 */
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { executables } from "../lab/node.ts";
import type { Machine } from "./machine.ts";
import { soon } from "./soon.ts";

export interface Witness {
  /** How our plugin was called, but for VERSION; each call once it has ended. */
  readonly calls: () => readonly CallSeen[];
  /** Holds the next ADD, before or after our plugin has done it. */
  readonly holdAdd: (moment: "before" | "after") => Held;
}

export interface CallSeen {
  readonly command: string;
  readonly containerId: string;
  readonly ifname: string;
  /** CNI_NETNS. */
  readonly netns: string;
}

export interface Held {
  /** Resolves when it is held. */
  readonly reached: Promise<void>;
  /** Lets it go on, and resolves when it has ended, whoever waits for it; how it was called. */
  readonly release: () => Promise<CallSeen>;
}

const folder = "/run/witness";
const ours = join(executables, "socketplane");

const program = `#!/bin/sh
[ "$CNI_COMMAND" = VERSION ] && exec ${ours}
hold() {
  [ -e ${folder}/hold-$1-$CNI_COMMAND ] || return
  : > ${folder}/held
  while [ -e ${folder}/hold-$1-$CNI_COMMAND ]; do sleep 0.02; done
}
# Before it is held: a runtime that is killed meanwhile may not have written it yet.
conf=$(cat)
hold before
said=$(printf '%s' "$conf" | ${ours})
status=$?
hold after
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS" >> ${folder}/calls
printf '%s' "$said"
exit $status
`;

/** Puts it there. */
export function witness({ at, write }: Machine): Witness {
  const plugin = "/opt/cni/bin/socketplane";
  write(`${plugin}.new`, program, 0o755);
  renameSync(at(`${plugin}.new`), at(plugin));
  write(`${folder}/calls`, "");
  const calls = () =>
    readFileSync(at(`${folder}/calls`), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [command = "", containerId = "", ifname = "", netns = ""] = line.split(" ");
        return { command, containerId, ifname, netns };
      });
  return {
    calls,
    holdAdd: (moment) => {
      const hold = `${folder}/hold-${moment}-ADD`;
      const before = calls().length;
      rmSync(at(`${folder}/held`), { force: true });
      write(hold, "");
      return {
        reached: soon("an ADD is held", () => existsSync(at(`${folder}/held`))),
        release: async () => {
          rmSync(at(hold));
          await soon("the ADD has ended", () => calls().length > before);
          const [seen] = calls().slice(before);
          if (seen === undefined) throw new Error("Cannot tell how ADD was called");
          return seen;
        },
      };
    },
  };
}
