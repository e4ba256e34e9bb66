/**
 * What is being waited for, said to who has waited for a second, and taken away again. See main.ts
 * for the folder's note.
 */
import type { Clock } from "../deadline.ts";
import type { Terminal } from "./output.ts";

/** A terminal as the system has it. */
export interface Screen extends Omit<Terminal, "progress"> {
  /** Whether stderr is a terminal, where what was said can be taken away. */
  readonly erasable: boolean;
  readonly clock: Clock;
  /** Calls again and again, until what it gives is called. */
  readonly every: (ms: number, call: () => void) => () => void;
}

/** Milliseconds. */
const patience = 1000;
const interval = 500;

const clear = "\r\u001b[K";

export function withProgress(screen: Screen): Terminal {
  const began = screen.clock();
  let doing: string | undefined;
  let isShown = false;
  let stop: (() => void) | undefined;
  const wipe = () => {
    if (isShown) screen.stderr(clear);
    isShown = false;
  };
  const paint = () => {
    const waited = screen.clock() - began;
    if (doing === undefined || waited < patience) return;
    const line = `${doing}... ${Math.floor(waited / 1000)} s`;
    screen.stderr(clear + line.slice(0, screen.width - 1));
    isShown = true;
  };
  const progress = (text: string | undefined) => {
    doing = text;
    if (!screen.erasable) return;
    if (text === undefined) {
      stop?.();
      stop = undefined;
      wipe();
    } else {
      stop ??= screen.every(interval, paint);
      paint();
    }
  };
  return {
    stdout: (text) => {
      progress(undefined);
      screen.stdout(text);
    },
    stderr: (text) => {
      wipe();
      screen.stderr(text);
    },
    progress,
    interactive: screen.interactive,
    width: screen.width,
  };
}
