/**
 * What etcd says, as lines of the agent's log: pure. See services.ts for the folder's note.
 *
 * Source: etcd 3.4's two loggers: zap's JSON, and capnslog's "date time L | package: text".
 */
import { isObject, parseJson } from "../json.ts";
import type { Fields, Level } from "../log.ts";

export interface Said {
  readonly level: Level;
  readonly message: string;
  readonly fields: Fields;
}

/** The mark in each line of the agent's log that is etcd's. */
const from = { from: "etcd" } as const;

const ofZap: Readonly<Record<string, Level>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
  dpanic: "error",
  panic: "error",
  fatal: "error",
};

/** Critical, Error, Warning, Notice, Info, Debug, Trace. */
const ofCapnslog: Readonly<Record<string, Level>> = {
  C: "error",
  E: "error",
  W: "warn",
  N: "info",
  I: "info",
  D: "debug",
  T: "debug",
};

/** One line; what is of neither form is what a program writes that goes down. */
export function readEtcdLine(line: string): Said {
  const json = line.startsWith("{") ? parseJson(line) : undefined;
  if (isObject(json) && typeof json.msg === "string") {
    const { level, ts: _when, caller: _where, msg, ...fields } = json;
    const known = typeof level === "string" ? ofZap[level] : undefined;
    return { level: known ?? "info", message: msg, fields: { ...fields, ...from } };
  }
  const [, letter = "", text] = /^[\d-]+ [\d:.]+ ([CEWNIDT]) \| (.*)$/.exec(line) ?? [];
  if (text === undefined) return { level: "warn", message: line, fields: from };
  return { level: ofCapnslog[letter] ?? "info", message: text, fields: from };
}

/** Whether a line of the agent's log is etcd's. */
export const isFromEtcd = (line: string): boolean => line.includes('"from":"etcd"');
