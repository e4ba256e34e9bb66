/** A tree's branches, columns and colours, for a terminal: pure. See topology.ts for the folder's note. */

import { printable } from "../text.ts";
import { counted } from "./amount.ts";

/** How a piece of text is to look; "network" has one colour for each number. */
export type Look = "title" | "good" | "bad" | "faint" | { readonly network: number };

export interface Style {
  readonly colors: boolean;
  /** Whether the terminal shows more than ASCII. */
  readonly unicode: boolean;
}

export interface Branch {
  readonly text: string;
  readonly below?: readonly Branch[];
}

export interface Pen {
  readonly paint: (text: string, look: Look) => string;
  /** A line for each branch, under the one that they hang on. */
  readonly tree: (branches: readonly Branch[]) => readonly string[];
  /** Between the parts of a line. */
  readonly dot: string;
  /** "1 node", "2 nodes", "12,000 nodes" */
  readonly counted: (count: number, what: string) => string;
}

/** SGR (ECMA-48), by which a terminal chooses itself what is legible. */
const codes = { title: "1", good: "32", bad: "31", faint: "2" } as const;
/** Of xterm's 256: each with a contrast of more than 3 : 1 to black and to white. */
const networkCodes = [31, 133, 166, 64, 33, 161, 97, 136] as const;

export function penOf({ colors, unicode }: Style): Pen {
  const marks = unicode
    ? { more: "├─ ", last: "└─ ", through: "│  ", none: "   " }
    : { more: "|- ", last: "`- ", through: "|  ", none: "   " };
  const tree = (branches: readonly Branch[], lead = ""): readonly string[] =>
    branches.flatMap(({ text, below = [] }, at) => {
      const isLast = at === branches.length - 1;
      const under = lead + (isLast ? marks.none : marks.through);
      return [lead + (isLast ? marks.last : marks.more) + text, ...tree(below, under)];
    });
  return {
    paint: (text, look) =>
      colors && text !== "" ? `\u001b[${codeOf(look)}m${text}\u001b[0m` : text,
    tree: (branches) => tree(branches),
    dot: unicode ? " · " : ", ",
    counted: (count, what) =>
      unicode ? counted(count, what) : counted(count, what).replaceAll("\u202f", ","),
  };
}

const codeOf = (look: Look): string =>
  typeof look === "string"
    ? codes[look]
    : `38;5;${networkCodes[look.network % networkCodes.length]}`;

/** A cell, and how it is to look. */
export type Cell = string | readonly [text: string, look: Look];

/** Columns two spaces apart; a colour takes no room. */
export function aligned(pen: Pen, rows: readonly (readonly Cell[])[]): readonly string[] {
  const plain = (cell: Cell | undefined) =>
    printable(typeof cell === "string" ? cell : (cell?.[0] ?? ""));
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    rows.reduce((width, row) => Math.max(width, plain(row[at]).length), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const text = plain(cell);
        const painted = typeof cell === "string" ? text : pen.paint(text, cell[1]);
        const isLast = row.slice(at + 1).every((one) => plain(one) === "");
        return isLast ? painted : painted + " ".repeat((widths[at] ?? 0) - text.length + 2);
      })
      .join("")
      .trimEnd(),
  );
}

/** A column that is empty in every row takes no room. */
export function withoutEmpty(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  const isUsed = (at: number) => rows.some((row) => row[at] !== "" && row[at] !== undefined);
  return rows.map((row) => row.filter((_, at) => isUsed(at)));
}
