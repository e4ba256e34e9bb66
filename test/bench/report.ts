/** The benchmarks' samples as tables: pure. */
import type { Finding, Goal } from "./findings.ts";

/** Milliseconds, or MiB for memory, by "<who> <what>". */
export type Samples = Readonly<Record<string, readonly number[]>>;

/** What is to be reached: so many times another's, and milliseconds beside that. */
const goals: readonly {
  readonly what: string;
  readonly against: string;
  readonly ofThem?: string;
  readonly most: number;
  readonly plus?: number;
}[] = [
  { what: "ADD", against: "shipped", most: 1.0 },
  { what: "ADD", against: "plain", most: 1.5 },
  { what: "DEL", against: "shipped", most: 1.0 },
  { what: "VERSION", against: "empty", most: 1.2 },
  { what: "STATUS", against: "empty", ofThem: "VERSION", most: 1.5, plus: 3 },
  { what: "STATUS of IPAM", against: "empty", ofThem: "VERSION", most: 1.5, plus: 3 },
];
const mostMemory = 50;

const rows = [
  ...["ADD", "DEL", "CHECK", "VERSION", "STATUS", "STATUS of IPAM"],
  ...["8 ADDs", "8 DELs", "memory"],
];
const columns = ["ours", "plain", "shipped", "empty"];

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/**
 * Pair by pair: each of ours, less `plus` milliseconds, over the other's of the same round, so that
 * drift cancels out.
 */
export function ratio(
  samples: Samples,
  what: string,
  against: string,
  { ofThem = what, plus = 0 }: { readonly ofThem?: string; readonly plus?: number } = {},
): number {
  const ours = samples[`ours ${what}`] ?? [];
  const theirs = samples[`${against} ${ofThem}`] ?? [];
  return median(ours.map((value, index) => (value - plus) / (theirs[index] ?? Number.NaN)));
}

export function formatReport(samples: Samples, rounds: number): string {
  const cell = (who: string, what: string) => {
    const values = samples[`${who} ${what}`];
    if (values === undefined) return "-";
    return `${median(values).toFixed(1)} / ${quantile(values, 0.95).toFixed(1)}`;
  };
  const ratioCell = (what: string, against: string) =>
    samples[`${against} ${what}`] === undefined ? "-" : ratio(samples, what, against).toFixed(2);
  const head = ["", "ours", "plain", "as shipped", "empty", "ours : plain", "ours : as shipped"];
  const body = rows.map((what) => [
    what === "memory" ? "ADD's peak memory, MiB" : `${what}, ms`,
    ...columns.map((who) => cell(who, what)),
    ratioCell(what, "plain"),
    ratioCell(what, "shipped"),
  ]);
  return [
    `${rounds} rounds, all in turn; whole processes, their start included; median / p95.`,
    "plain: bridge and host-local, neither gateway nor NAT; as shipped: with isGateway and ipMasq;",
    "empty: an executable of the same runtime that does nothing. Ratios are medians of each round's.",
    "",
    ...table([head, ...body]),
    "",
    ...goals.map(({ what, against, most, ...how }) => {
      const reached = ratio(samples, what, against, how);
      const verdict = reached <= most ? "reached" : "MISSED";
      const more = how.plus === undefined ? "" : ` and ${how.plus} ms`;
      return `${verdict}: ${what} ${reached.toFixed(2)} times ${against}${more} (goal: at most ${most})`;
    }),
    memoryGoal(median(samples["ours memory"] ?? [])),
  ].join("\n");
}

/** What a start costs beyond that of an executable of the same runtime that does nothing. */
const mostOverEmpty = { bun: 1.2, node: 1.25 } as const;

/** The runtimes beside each other, and each beside doing nothing. */
export function formatRuntimes(
  samples: Samples,
  runtimes: readonly (keyof typeof mostOverEmpty)[],
  rounds: number,
): string {
  const whats = ["empty", "VERSION", "STATUS", "ADD", "DEL", "CHECK", "8 ADDs", "memory", "size"];
  const unit = (what: string) =>
    what === "memory" ? "ADD's peak memory, MiB" : what === "size" ? "file, MiB" : `${what}, ms`;
  const cell = (values: readonly number[]) =>
    values.length === 1
      ? median(values).toFixed(0)
      : `${median(values).toFixed(1)} / ${quantile(values, 0.95).toFixed(1)}`;
  const times = (above: readonly number[], below: readonly number[]) =>
    median(above.map((value, index) => value / (below[index] ?? Number.NaN))).toFixed(2);
  const of = (runtime: string, what: string) => samples[`${runtime} ${what}`] ?? [];
  const body = whats.map((what) => [
    unit(what),
    ...runtimes.map((runtime) => cell(of(runtime, what))),
    times(of("node", what), of("bun", what)),
  ]);
  return [
    `${rounds} rounds, all in turn; whole processes, their start included; median / p95.`,
    "",
    ...table([["", ...runtimes, "node : bun"], ...body]),
    "",
    ...runtimes.map((runtime) => {
      const reached = Number(times(of(runtime, "VERSION"), of(runtime, "empty")));
      const most = mostOverEmpty[runtime];
      const verdict = reached <= most ? "reached" : "MISSED";
      return `${verdict}: VERSION with ${runtime} ${reached} times empty (goal: at most ${most})`;
    }),
  ].join("\n");
}

/** Each finding a line, with its goal where it has one. */
export function formatFindings(findings: readonly Finding[]): string {
  const head = ["", "median", "p5", "p95", "of", "goal", ""];
  const body = findings.map(({ what, unit, samples, goal }) => {
    const value = (number: number) => number.toFixed(unit === "times" ? 2 : digits(number));
    const cells = [median(samples), quantile(samples, 0.05), quantile(samples, 0.95)].map(value);
    const verdict = goal === undefined ? "" : isReached(goal, median(samples));
    return [
      unit === undefined ? what : `${what}, ${unit}`,
      ...cells,
      `${samples.length}`,
      formatGoal(goal),
      verdict,
    ];
  });
  return table([head, ...body]).join("\n");
}

const digits = (number: number): number => (Number.isInteger(number) || number >= 1_000 ? 0 : 1);

const isReached = ({ least = Number.NEGATIVE_INFINITY, most = Infinity }: Goal, value: number) =>
  value >= least && value <= most ? "reached" : "MISSED";

const formatGoal = ({ least, most }: Goal = {}): string =>
  [least === undefined ? "" : `at least ${least}`, most === undefined ? "" : `at most ${most}`]
    .filter((text) => text !== "")
    .join(", ");

const memoryGoal = (mib: number): string =>
  `${mib <= mostMemory ? "reached" : "MISSED"}: ADD's peak memory ${mib.toFixed(1)} MiB (goal: at most ${mostMemory})`;

/** A Markdown table, aligned for those who read it as it is. */
function table(lines: readonly (readonly string[])[]): readonly string[] {
  const [head = [], ...body] = lines;
  const widths = head.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, index) => text.padEnd(widths[index] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)];
}
