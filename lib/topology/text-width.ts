/**
 * How wide text is, as nobody tells who writes a file: rather too wide than too narrow, for the
 * widest of the fonts that are usual (DejaVu Sans, and its mono). Pure.
 */

export interface Font {
  /** Pixels. */
  readonly size: number;
  readonly face: "text" | "bold" | "code";
}

/** Parts of the font's size: advance widths of DejaVu Sans, in classes. */
const narrow = /[ijlI.,:;'|!()[\] ftr/-]/;
const wide = /[mwMW@%]/;
/** Scripts whose characters are squares, and emoji. */
const square = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]|[^\0-\uffff]/u;

/** Pixels. */
export function widthOf(text: string, { size, face }: Font): number {
  let ems = 0;
  for (const one of text) {
    if (square.test(one)) ems += 1.1;
    else if (face === "code") ems += 0.61;
    else if (wide.test(one)) ems += 1;
    else if (narrow.test(one)) ems += 0.42;
    else if (/[A-Z]/.test(one)) ems += 0.74;
    else ems += 0.65;
  }
  return ems * size * (face === "bold" ? 1.1 : 1);
}

/** The text, or its beginning and "…" where it is wider than `room`. */
export function cut(text: string, font: Font, room: number): string {
  if (widthOf(text, font) <= room) return text;
  let kept = "";
  for (const one of text) {
    if (widthOf(`${kept}${one}…`, font) > room) break;
    kept += one;
  }
  return `${kept.trimEnd()}…`;
}

/** Lines of whole words; a word that is wider than a line is cut. */
export function wrap(text: string, font: Font, room: number): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (widthOf(longer, font) <= room) line = longer;
      else {
        if (line !== "") lines.push(line);
        line = cut(word, font, room);
      }
    }
    lines.push(line);
  }
  return lines;
}
