/**
 * Logs: one JSON object a line, to stderr or the journal; never to stdout, and no secrets.
 */

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  readonly debug: (message: string, fields?: Fields) => void;
  readonly info: (message: string, fields?: Fields) => void;
  readonly warn: (message: string, fields?: Fields) => void;
  readonly error: (message: string, fields?: Fields) => void;
}

export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];

/** A log that writes what is at least `least`; `wallClock` gives milliseconds since the epoch. */
export function jsonLog(
  write: (line: string) => void,
  wallClock: () => number,
  least: Level = "warn",
): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Fields = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return;
      const time = new Date(wallClock()).toISOString();
      write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
