/**
 * What tells others which processes the agent and its etcd are: files in the run directory, and there
 * again when that was removed under a living agent. See agent.ts.
 */

import { formatProcess, processFile } from "../service/process-file.ts";
import type { ServiceName } from "../service/services.ts";
import type { ProvenProcess } from "../sys/background.ts";
import { pause } from "./pause.ts";
import type { ThisNode } from "./world.ts";

export interface Records {
  /** Undefined: it has ended. */
  readonly put: (service: ServiceName, process: ProvenProcess | undefined) => Promise<void>;
  /** Looks whether they are there, until the signal aborts. */
  readonly keep: (signal: AbortSignal) => Promise<void>;
}

/** Milliseconds between two looks. */
const lookMs = 10_000;

export function openRecords(node: Pick<ThisNode, "use">): Records {
  const texts = new Map<string, string>();
  return {
    put: (service, process) => {
      const file = processFile(service);
      if (process === undefined) {
        texts.delete(file);
        return node.use(({ run }) => void run.remove(file));
      }
      const text = formatProcess(process);
      texts.set(file, text);
      return node.use(({ run }) => run.replace(file, text));
    },
    keep: async (signal) => {
      for (;;) {
        await pause(lookMs, signal);
        if (signal.aborted) return;
        await node.use(({ run }) => {
          for (const [file, text] of texts) {
            if (run.read(file) === undefined) run.replace(file, text);
          }
        });
      }
    },
  };
}
