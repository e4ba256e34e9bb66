/** What is shown of a list that changes. See main.ts for the folder's note. */
import type { Listed } from "./listing.ts";
import { type OutputFormat, type Shown, type Terminal, table } from "./output.ts";

/** Shows a list, if it is another than the last time. */
export function painterOf(terminal: Terminal, format: OutputFormat) {
  let before: ReadonlyMap<string, string> = new Map();
  const paint = textPainterOf(terminal);
  return ({ records, columns }: Listed, names: readonly string[]): void => {
    if (format === "json") {
      const now = linesOf(records, names);
      for (const line of changesOf(before, now)) terminal.stdout(`${line}\n`);
      before = now;
      return;
    }
    paint(`${table(records, columns)}\n`);
  };
}

/** Shows a text, if it is another than the last time. */
export function textPainterOf(terminal: Terminal): (text: string) => void {
  let painted: string | undefined;
  return (text) => {
    if (text === painted) return;
    // On a terminal in its place; else after it.
    const lead = terminal.interactive ? clearScreen : painted === undefined ? "" : "\n";
    terminal.stdout(`${lead}${text}`);
    painted = text;
  };
}

const clearScreen = "\u001b[2J\u001b[H";

/** Pure: each record as JSON, by what tells it from the others. */
export const linesOf = (
  records: readonly Shown[],
  names: readonly string[],
): ReadonlyMap<string, string> =>
  new Map(
    records.map((record) => [
      JSON.stringify(names.map((name) => record[name])),
      JSON.stringify(record),
    ]),
  );

/** Pure: a line of JSON for each record that came, changed, or went, which is as it was last. */
export function changesOf(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): readonly string[] {
  const line = (change: "added" | "changed" | "removed", record: string) =>
    JSON.stringify({ change, ...JSON.parse(record) });
  return [
    ...[...before].flatMap(([name, record]) => (now.has(name) ? [] : [line("removed", record)])),
    ...[...now].flatMap(([name, record]) => {
      const old = before.get(name);
      if (old === record) return [];
      return [line(old === undefined ? "added" : "changed", record)];
    }),
  ];
}
