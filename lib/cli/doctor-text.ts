/** What doctor has found, for people: pure. See main.ts for the folder's note. */
import { type Area, areas, type Finding, type State } from "../doctor/check.ts";
import { worstOf } from "../doctor/judge.ts";
import { printable } from "../text.ts";

export type Paint = "painted" | "plain";

const symbols: Readonly<Record<State, string>> = {
  ok: "✓",
  warning: "!",
  broken: "✗",
  unknown: "?",
};

/** Select Graphic Rendition (ECMA-48, 8.3.117): green, yellow, red, faint. */
const colours: Readonly<Record<State, number>> = { ok: 32, warning: 33, broken: 31, unknown: 2 };
const bold = 1;

/** A line for each finding, by area, with what to do below it; and what comes of all. */
export function textOf(
  findings: readonly Finding[],
  which: "all" | "not ok",
  paint: Paint,
): string {
  const shown = joined(findings.filter(({ state }) => which === "all" || state !== "ok"));
  const names = shown.filter(({ because }) => because === undefined).map(({ name }) => name);
  const width = Math.max(0, ...names.map(({ length }) => length));
  const parts = (Object.keys(areas) as Area[]).flatMap((area) => {
    const own = shown.filter((finding) => finding.area === area);
    if (own.length === 0) return [];
    const lines = own.map((finding) => lineOf(finding, width, paint));
    return [[painted(areas[area], bold, paint), ...lines].join("\n")];
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

function lineOf(line: Line, width: number, paint: Paint): string {
  const { name, state, subject, seen, todo } = line;
  const symbol = painted(symbols[state], colours[state], paint);
  const said = printable(subject === undefined ? seen : `${subject}: ${seen}`);
  const words = state === "unknown" ? painted(said, colours.unknown, paint) : said;
  const deeds = todo?.split("\n").map((line) => `      → ${printable(line)}`) ?? [];
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
  const [begin] = first?.todo?.split("\n") ?? [];
  return `${counts.join(", ")}.${begin === undefined ? "" : ` Begin with: ${printable(begin)}`}`;
}

export function countOf(findings: readonly Finding[]): Readonly<Record<State, number>> {
  const counts: Record<State, number> = { ok: 0, warning: 0, broken: 0, unknown: 0 };
  for (const { state } of findings) counts[state] += 1;
  return counts;
}

const painted = (text: string, code: number, paint: Paint): string =>
  paint === "plain" ? text : `\u001b[${code}m${text}\u001b[0m`;
