import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failures } from "../../lib/errors.ts";
import { sources, top, trackedFiles } from "./sources.ts";

const readme = () => readFileSync(join(top, "README.md"), "utf8");

/** Each first group of what matches. */
const all = (pattern: RegExp): readonly string[] =>
  Array.from(readme().matchAll(pattern), ([, found = ""]) => found);

test("the map has every folder, and no other", () => {
  const others = ["conf", "docs", "test"].filter((name) =>
    trackedFiles.some((path) => path.startsWith(`${name}/`)),
  );
  const folders = new Set([...sources.map(({ folder }) => folder), ...others]);
  const named = all(/(?<![\w/.])(lib\/\w+|lib|cmd|conf|docs|test)\/(?=[\s`|]|$)/gm);
  expect([...new Set(named)].sort()).toEqual([...folders].sort());
});

test("each error code has a row: | code | what it means |", () => {
  const rows = Array.from(
    readme().matchAll(/^\| *`?(\d+)`? *\| *(.+?) *\|/gm),
    ([, code, means]) => `${code} ${means}`,
  );
  expect(rows).toEqual(Object.values(failures).map(({ code, means }) => `${code} ${means}`));
});

test("what is linked to is there", () => {
  const links = all(/\]\((?!https?:|#)([^)#]+)/g);
  const isThere = (path: string) => trackedFiles.some((file) => file.startsWith(path));
  expect(links.filter((path) => !isThere(path))).toEqual([]);
});

test("the npm scripts that it names are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const named = all(/\bnpm run (\w+)/g);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
