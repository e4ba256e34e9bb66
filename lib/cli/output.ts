/** How answers and errors are shown: pure. */
import type { Failure } from "../errors.ts";

/** Where the command is typed. */
export interface Terminal {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether stdout is a terminal. */
  readonly interactive: boolean;
  /** Columns. */
  readonly width: number;
}

export type OutputFormat = "json" | "table";

export type Shown = Readonly<Record<string, unknown>>;

/** Shows records as asked for; `columns` are a table's. */
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
      : table(Array.isArray(records) ? records : [records], columns);
  terminal.stdout(`${text}\n`);
}

/** Columns two spaces apart, under headings in capitals. */
export function table(records: readonly Shown[], columns: readonly string[]): string {
  const rows = [
    columns.map((column) => column.toUpperCase()),
    ...records.map((record) => columns.map((column) => cell(record[column]))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const cell = (value: unknown): string =>
  value === undefined ? "-" : value === true ? "yes" : value === false ? "no" : String(value);

/** `socketplane: Cannot ...`, and below it what to do. */
export function formatFailure(failure: Failure): string {
  const details = failure.details?.split("\n").map((line) => `  ${line}`) ?? [];
  return `${[`socketplane: ${failure.message}`, ...details].join("\n")}\n`;
}
