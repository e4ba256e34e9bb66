/** A line of the agent's log as people read it: pure. */
import { isObject, parseJson } from "../json.ts";

/**
 * `10:31:02 WARN  the store is away  node=host-a`; a line that is none of our own stays as it is.
 * `zone` is minutes to add to UTC.
 */
export function formatLogLine(line: string, zone: number): string {
  const json = line.startsWith("{") ? parseJson(line) : undefined;
  if (!isObject(json) || typeof json.message !== "string") return line;
  const { time, level, message, ...fields } = json;
  const told = Object.entries(fields).map(([key, value]) => `  ${key}=${shownValue(value)}`);
  const what = `${String(level).toUpperCase().padEnd(5)} ${message}${told.join("")}`;
  const when = typeof time === "string" ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(when)) return what;
  return `${new Date(when + zone * 60_000).toISOString().slice(11, 19)} ${what}`;
}

const shownValue = (value: unknown): string =>
  typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value);
