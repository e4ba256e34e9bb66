/** Lines out of pieces, wherever these are cut: pure. */

export interface LineSplitter {
  readonly add: (piece: string) => void;
  /** What has come since the last line's end, if anything has, is a line too. */
  readonly end: () => void;
}

export function splitLines(onLine: (line: string) => void): LineSplitter {
  let rest = "";
  return {
    add: (piece) => {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    },
    end: () => {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
