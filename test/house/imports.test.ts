import { describe, expect, test } from "vitest";
import { importsOf, isOurs, type Source, sourceAt, sources } from "./sources.ts";

/** From the ground up. A file imports from its own folder and from floors below, never sideways. */
const floors: readonly (readonly string[])[] = [
  ["lib/net"],
  ["lib"],
  ["lib/cni", "lib/store", "lib/sys", "lib/ovs", "lib/trust"],
  ["lib/ipam", "lib/overlay", "lib/service"],
  ["lib/attach"],
  ["lib/cluster", "lib/run", "lib/survey"],
  ["lib/doctor", "lib/topology", "lib/trace"],
  ["lib/plugin", "lib/agent"],
  ["lib/cli"],
  ["cmd"],
];
const floorOf = (folder: string) => floors.findIndex((floor) => floor.includes(folder));

test("every folder has its floor", () => {
  const folders = new Set(sources.map(({ folder }) => folder));
  expect([...folders].filter((folder) => floorOf(folder) < 0)).toEqual([]);
});

test("imports go down, never up or sideways", () => {
  const wrong = sources.flatMap(({ path, folder, imports }) =>
    imports
      .filter(({ target }) => isOurs(target))
      .filter(({ target }) => {
        const into = folderOf(target);
        return into !== folder && floorOf(into) >= floorOf(folder);
      })
      .map(({ target }) => `${path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("no file imports itself by way of others", () => {
  expect(cycles()).toEqual([]);
});

describe("drivers", () => {
  /** Reaches what is outside of the process, by FFI, a builtin or a package that does. */
  const reachesOut = ({ imports, folder }: Source) =>
    imports.some(
      ({ target }) => target === "lib/sys/ffi.ts" || (!isOurs(target) && !isPure(target, folder)),
    );
  const isPure = (target: string, folder: string) =>
    target === "ipaddr.js" ||
    (target === "yargs" && folder === "lib/cli") ||
    (["@peculiar/x509", "reflect-metadata"].includes(target) && folder === "lib/trust");
  const drivers = new Set(sources.filter(reachesOut).map(({ path }) => path));
  // What is made of drivers in their own folder is a driver too.
  for (let before = -1; before !== drivers.size; ) {
    before = drivers.size;
    for (const { path, folder, imports } of sources) {
      const made = imports.some(
        ({ target, kind }) => kind !== "type" && drivers.has(target) && folderOf(target) === folder,
      );
      if (made) drivers.add(path);
    }
  }

  test("are where they belong", () => {
    const folders = new Set([...drivers].map(folderOf));
    expect([...folders].sort()).toEqual(expect.arrayContaining(["lib/sys"]));
    expect(
      [...folders].filter((folder) => !["lib/sys", "lib/store", "cmd"].includes(folder)),
    ).toEqual([]);
  });

  test("are imported as values only from cmd, and among themselves", () => {
    const wrong = sources
      .filter(({ folder }) => folder !== "cmd")
      .flatMap(({ path, folder, imports }) =>
        imports
          .filter(({ target, kind }) => kind !== "type" && drivers.has(target))
          .filter(({ target }) => folderOf(target) !== folder)
          .map(({ target }) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });
});

test("imports are read as they are written", () => {
  const text = `
/** import { not } from "./comment.ts"; */
import "./bare.ts";
import type { A } from "../a.ts";
import {
  b,
  type C,
} from "./b.ts";
import d, { e } from "pkg";
import * as f from "node:f";
export { g } from "./g.ts";
const h = await import("./h.ts");
`;
  expect(importsOf("lib/x/y.ts", text)).toEqual([
    { target: "lib/a.ts", kind: "type" },
    { target: "lib/x/b.ts", kind: "value" },
    { target: "pkg", kind: "value" },
    { target: "node:f", kind: "value" },
    { target: "lib/x/g.ts", kind: "value" },
    { target: "lib/x/bare.ts", kind: "value" },
    { target: "lib/x/h.ts", kind: "lazy" },
  ]);
});

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Each cycle once, as the files on it. */
function cycles(): readonly string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start >= 0) found.push([...way.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const { target } of sourceAt(path)?.imports ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}
