/** What doctor has found, for people: pure. See main.ts for the folder's note. */
import { type Area, areas, type Finding, type State } from "../doctor/check.ts";
import { worstOf } from "../doctor/judge.ts";
import { printable } from "../text.ts";
import type { styleOf } from "./style.ts";

export type Style = ReturnType<typeof styleOf>;

const symbols = {
  unicode: { ok: "✓", warning: "!", broken: "✗", unknown: "?", todo: "→" },
  ascii: { ok: "+", warning: "!", broken: "x", unknown: "?", todo: "->" },
} as const;

const symbolsOf = ({ unicode }: Style) => symbols[unicode ? "unicode" : "ascii"];

/** Select Graphic Rendition (ECMA-48, 8.3.117): green, yellow, red, faint. */
const colours: Readonly<Record<State, number>> = { ok: 32, warning: 33, broken: 31, unknown: 2 };
const bold = 1;

/** A line for each finding, by area, with what to do below it; and what comes of all. */
export function textOf(
  findings: readonly Finding[],
  which: "all" | "not ok",
  style: Style,
): string {
  const shown = joined(findings.filter(({ state }) => which === "all" || state !== "ok"));
  const names = shown.filter(({ because }) => because === undefined).map(({ name }) => name);
  const width = Math.max(0, ...names.map(({ length }) => length));
  const parts = (Object.keys(areas) as Area[]).flatMap((area) => {
    const own = shown.filter((finding) => finding.area === area);
    if (own.length === 0) return [];
    const lines = own.map((finding) => lineOf(finding, width, style));
    return [[painted(areas[area], bold, style), ...lines].join("\n")];
  });
  return `${[...parts, summaryOf(findings)].join("\n\n")}\n`;
}

/** A finding under its name, without its area, which is above it. */
interface Line extends Finding {
  readonly name: string;
}

/** What can't be told of an area for one reason is one line. */
function joined(findings: readonly Finding[]): readonly Line[] {
  const lines: Line[] = [];
  for (const finding of findings) {
    const { id, area, because } = finding;
    const name = id.slice(area.length + 1);
    const before = lines.findIndex(
      (line) => because !== undefined && line.because === because && line.area === area,
    );
    const other = lines[before];
    if (other === undefined) lines.push({ ...finding, name });
    else lines[before] = { ...other, name: `${other.name}, ${name}` };
  }
  return lines;
}

function lineOf(line: Line, width: number, style: Style): string {
  const { name, state, subject, seen, todo } = line;
  const symbol = painted(symbolsOf(style)[state], colours[state], style);
  const said = printable(subject === undefined ? seen : `${subject}: ${seen}`);
  const words = state === "unknown" ? painted(said, colours.unknown, style) : said;
  const deeds =
    todo?.split("\n").map((line) => `      ${symbolsOf(style).todo} ${printable(line)}`) ?? [];
  return [`  ${symbol} ${name.padEnd(width)}  ${words}`, ...deeds].join("\n");
}

/** How many there are of each state, and where to begin. */
export function summaryOf(findings: readonly Finding[]): string {
  const { ok, warning, broken, unknown } = countOf(findings);
  if (worstOf(findings) === "ok") return `All is well: ${ok} finding${ok === 1 ? "" : "s"}.`;
  const counts = [
    `${broken} broken`,
    `${warning} warning${warning === 1 ? "" : "s"}`,
    `${unknown} unknown`,
    `${ok} ok`,
  ].filter((count) => !count.startsWith("0 "));
  const first =
    findings.find(({ state }) => state === "broken") ??
    findings.find(({ todo }) => todo !== undefined);
  return `${counts.join(", ")}.${first === undefined ? "" : ` ${beginningWith(first)}`}`;
}

/** With what to type, where that is what is to be done first. */
function beginningWith({ id, todo = "" }: Finding): string {
  const [command = ""] = todo.split("\n");
  return isCommand(command) ? `Begin with ${id}: ${printable(command)}` : `Begin with ${id}.`;
}

const isCommand = (text: string): boolean =>
  /^(sudo|socketplane|systemctl|ovs-[a-z]+|ip6?tables|ip|nft|sysctl|modprobe|apt-get|chmod|mv|ping) /.test(
    text,
  );

export function countOf(findings: readonly Finding[]): Readonly<Record<State, number>> {
  const counts: Record<State, number> = { ok: 0, warning: 0, broken: 0, unknown: 0 };
  for (const { state } of findings) counts[state] += 1;
  return counts;
}

const painted = (text: string, code: number, { colors }: Style): string =>
  !colors ? text : `\u001b[${code}m${text}\u001b[0m`;
