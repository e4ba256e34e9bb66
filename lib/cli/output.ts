/** How answers and errors are shown: pure. */
import type { Failure } from "../errors.ts";

/** Where the command is typed. */
export interface Terminal {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** What is being waited for; undefined: nothing any more. An answer on stdout ends it too. */
  readonly progress: (doing: string | undefined) => void;
  /** Whether stdout is a terminal. */
  readonly interactive: boolean;
  /** Columns. */
  readonly width: number;
}

export type OutputFormat = "json" | "table";

export type Shown = Readonly<Record<string, unknown>>;

/** Shows a record, or several, as asked for; `columns` are a table's. */
export function show(
  terminal: Terminal,
  format: OutputFormat | undefined,
  records: Shown | readonly Shown[],
  columns: readonly string[],
): void {
  const chosen = format ?? (terminal.interactive ? "table" : "json");
  const text =
    chosen === "json"
      ? JSON.stringify(records, undefined, 2)
      : isList(records)
        ? table(records, columns)
        : fields(records, columns);
  terminal.stdout(`${text}\n`);
}

/** The columns, without those of `optional` that no record has anything for. */
export const withThose = (
  columns: readonly string[],
  optional: readonly string[],
  records: readonly Shown[],
): readonly string[] =>
  columns.filter(
    (column) => !optional.includes(column) || records.some((one) => one[column] !== undefined),
  );

const isList = (records: Shown | readonly Shown[]): records is readonly Shown[] =>
  Array.isArray(records);

/** For who wants errors only. */
export const quiet = (terminal: Terminal): Terminal => ({
  ...terminal,
  stdout: () => {},
  progress: () => {},
});

/** Columns two spaces apart, under headings in capitals. */
export const table = (records: readonly Shown[], columns: readonly string[]): string =>
  aligned([columns.map(heading), ...records.map((record) => cellsOf(record, columns))]);

/** One record, a line for each column: on a terminal, many columns don't fit beside each other. */
export const fields = (record: Shown, columns: readonly string[]): string =>
  aligned(columns.map((column) => [heading(column), cell(record[column])]));

function aligned(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  const line = (row: readonly string[]) => row.map((text, at) => text.padEnd(widths[at] ?? 0));
  return rows.map((row) => line(row).join("  ").trimEnd()).join("\n");
}

/** blockLength becomes BLOCK LENGTH. */
const heading = (column: string): string => column.replace(/[A-Z]/g, " $&").toUpperCase();

const cellsOf = (record: Shown, columns: readonly string[]): readonly string[] =>
  columns.map((column) => cell(record[column]));

function cell(value: unknown): string {
  if (value === undefined) return "-";
  if (Array.isArray(value)) return value.join(", ");
  return value === true ? "yes" : value === false ? "no" : String(value);
}

/** `socketplane: Cannot ...`, and below it what to do. */
export function formatFailure(failure: Failure): string {
  const details = failure.details?.split("\n").map((line) => `  ${line}`) ?? [];
  return `${[`socketplane: ${failure.message}`, ...details].join("\n")}\n`;
}
