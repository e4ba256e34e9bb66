/** What is to be done, one thing at a time: asked for twice, it is done once. */
import { asFailure, type Failure } from "../errors.ts";
import { type BackOff, backOff, pause } from "./pause.ts";

export interface Work<Task extends string> {
  /** Has a task done as soon as nothing that comes before it is left; `why` is for logs. */
  readonly ask: (task: Task, why: string) => void;
  /** Does what is asked for until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface WorkDeps<Task extends string> {
  /** What is done first is named first. */
  readonly order: readonly Task[];
  /** Does one; what it throws is told, and the task is asked for again after a while. */
  readonly perform: (task: Task, why: string, signal: AbortSignal) => Promise<void>;
  readonly failed: (task: Task, failure: Failure) => void;
  readonly random: () => number;
}

const retries = { first: 100, last: 10_000 } as const;

export function openWork<Task extends string>(deps: WorkDeps<Task>): Work<Task> {
  const { order, perform, failed, random } = deps;
  const asked = new Map<Task, string>();
  const waits = new Map<Task, BackOff>();
  let wake = () => {};
  const ask = (task: Task, why: string) => {
    if (!asked.has(task)) asked.set(task, why);
    wake();
  };
  const waitOf = (task: Task): BackOff => {
    const wait = waits.get(task) ?? backOff(retries, random);
    waits.set(task, wait);
    return wait;
  };
  const something = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      wake = () => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      signal.addEventListener("abort", wake);
    });
  const once = async (task: Task, why: string, signal: AbortSignal) => {
    try {
      await perform(task, why, signal);
      waitOf(task).reset();
    } catch (thrown) {
      if (signal.aborted) return;
      failed(task, asFailure(thrown));
      void pause(waitOf(task).next(), signal).then(() => ask(task, why));
    }
  };
  return {
    ask,
    run: async (signal) => {
      while (!signal.aborted) {
        const task = order.find((one) => asked.has(one));
        if (task === undefined) {
          await something(signal);
          continue;
        }
        const why = asked.get(task) ?? "";
        asked.delete(task);
        await once(task, why, signal);
        // Whoever else waits, for the store's events say, has a turn.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  };
}
