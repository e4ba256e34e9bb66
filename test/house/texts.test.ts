import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { sources, top, trackedFiles } from "./sources.ts";

const textFiles = trackedFiles
  .filter((path) => !/\.(png|gz)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(top, path), "utf8") }));
const code = textFiles.filter(({ path }) => /\.(ts|mjs)$/.test(path));

/** "file:line: the line" of each line that matches. */
function linesLike(pattern: RegExp, files: readonly { path: string; text: string }[]) {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
      .filter(({ line }) => pattern.test(line))
      .map(({ line, at }) => `${at}: ${line.trim()}`),
  );
}

const headerOf = (text: string): string => /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";

describe("headers", () => {
  test("every file begins with what it is", () => {
    expect(sources.filter(({ text }) => headerOf(text) === "").map(({ path }) => path)).toEqual([]);
  });

  test("every folder's door file has its note: what holds there, and why", () => {
    const folders = new Set(
      sources.map(({ folder }) => folder).filter((folder) => folder.startsWith("lib/")),
    );
    const noted = sources.filter(({ text }) => {
      const header = headerOf(text);
      return /^ \* (Invariants?|Why)\b/m.test(header) && header.split("\n").length >= 5;
    });
    const without = [...folders].filter((folder) => !noted.some((one) => one.folder === folder));
    expect(without).toEqual([]);
  });

  test("a note that is pointed at is there", () => {
    const pointers = sources.flatMap(({ path, folder, text }) =>
      Array.from(headerOf(text).matchAll(/\bSee (\S+\.ts)\b/g), ([, name = ""]) => ({
        path,
        to: join(folder, name),
      })),
    );
    const lost = pointers.filter(({ to }) => !trackedFiles.includes(to));
    expect(lost).toEqual([]);
  });
});

describe("names", () => {
  test("say what is inside", () => {
    const vague = /^(utils?|common|helpers?|managers?|misc|shared|index)$/;
    const wrong = trackedFiles.filter((path) =>
      path.split("/").some((part) => vague.test(basename(part).replace(/\..*$/, ""))),
    );
    expect(wrong).toEqual([]);
  });

  test("classes are errors and nothing else", () => {
    const classes = linesLike(/^(export )?(abstract )?class /, sources);
    expect(classes.filter((line) => !/ extends (Error|Failure) /.test(line))).toEqual([]);
  });

  test("no file only hands on what others export", () => {
    const barrels = sources.filter(({ text }) => {
      const lines = text
        .replaceAll(/\/\*[\s\S]*?\*\//g, "")
        .split("\n")
        .filter((line) => line !== "");
      return lines.every((line) => /^(import|export) .* from ".*";$/.test(line));
    });
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });
});

describe("what does not belong in the project", () => {
  test("paths of one machine, and registries' hosts", () => {
    // In pieces, so that this file does not find itself.
    const places = ["/wo" + "rk/", "/ro" + "ot/", "registry\\.npm" + "js", "deb\\.deb" + "ian"];
    expect(linesLike(new RegExp(places.join("|")), textFiles)).toEqual([]);
  });

  test("unfinished business", () => {
    const marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "not imple" + "mented"];
    expect(linesLike(new RegExp(`\\b(${marks.join("|")})\\b`), code)).toEqual([]);
  });

  test("tests that are skipped, or that keep others from running", () => {
    const tests = code.filter(({ path }) => path.endsWith(".test.ts"));
    expect(linesLike(/\.(skip|todo|only|skipIf|runIf)\(/, tests)).toEqual([]);
  });
});
