import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eagerGraph, isOurs, top, trackedFiles } from "./sources.ts";

interface Package {
  readonly resolved?: string;
  readonly hasInstallScript?: true;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const json = (path: string) => JSON.parse(readFileSync(join(top, path), "utf8"));

describe("package-lock.json", () => {
  const packages = Object.entries(json("package-lock.json").packages as Record<string, Package>);
  const places = packages.map(([place]) => place);

  test("names no registry", () => {
    expect(packages.filter(([, { resolved }]) => resolved?.startsWith("http"))).toEqual([]);
  });

  test("has every platform's packages, or npm refuses it on some", () => {
    const optional = packages.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}));
    const missing = optional.filter((name) => !places.some((place) => place.endsWith(`/${name}`)));
    expect(missing).toEqual([]);
  });

  test("has no install script that is not settled in package.json", () => {
    const settled: Record<string, boolean> = json("package.json").allowScripts;
    const scripts = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([place]) => place.replace(/^.*node_modules\//, ""));
    expect(scripts.sort()).toEqual(Object.keys(settled).sort());
  });
});

test("the top of the project has what people expect there, and nothing else", () => {
  const found = new Set(trackedFiles.map((path) => path.split("/")[0] ?? ""));
  const known = [
    ".ci",
    ".gitignore",
    ".npmrc",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
  ];
  const settings = [
    "biome.json",
    "build.mjs",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
  ];
  const folders = ["cmd", "conf", "docs", "lib", "test"];
  expect([...found].filter((name) => ![...known, ...settings, ...folders].includes(name))).toEqual(
    [],
  );
});

test("what every command loads is our own, and nothing slow", () => {
  const graph = eagerGraph("cmd/socketplane.ts");
  const foreign = graph.flatMap(({ path, imports }) =>
    imports
      .filter(({ target, kind }) => kind === "value" && !isOurs(target))
      .map(({ target }) => `${path} imports ${target}`),
  );
  expect(foreign).toEqual([]);
  expect(graph.length).toBeGreaterThan(1);
});

test("tests mirror what they test", () => {
  const folders = readdirSync(join(top, "test/lib"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `lib/${name}/`);
  const lost = folders.filter((folder) => !trackedFiles.some((path) => path.startsWith(folder)));
  expect(lost).toEqual([]);
});
