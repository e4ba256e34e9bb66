/** The project's own files, and what imports what: read from the text, types included. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const top = fileURLToPath(new URL("../../", import.meta.url));

export interface Import {
  /** A file of the project ("lib/net/ip4.ts"), or a package or builtin as it is written. */
  readonly target: string;
  /** "lazy" is a dynamic import(). */
  readonly kind: "value" | "type" | "lazy";
}

export interface Source {
  /** From the top of the project: "lib/net/ip4.ts". */
  readonly path: string;
  /** "lib/net" */
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const aliases = JSON.parse(readFileSync(join(top, "package.json"), "utf8")).imports;

/** Every file that git knows of. */
export const trackedFiles: readonly string[] = list();

/** The TypeScript files of lib and cmd. */
export const sources: readonly Source[] = trackedFiles
  .filter((path) => /^(lib|cmd)\/.*\.ts$/.test(path))
  .map((path) => {
    const text = readFileSync(join(top, path), "utf8");
    return { path, folder: dirname(path), text, imports: importsOf(path, text) };
  });

/** True for a file of the project; false for a package or a builtin. */
export const isOurs = (target: string): boolean => /\.(ts|json)$/.test(target);

export const sourceAt = (path: string): Source | undefined =>
  sources.find((source) => source.path === path);

/** Files that are loaded with one: itself, and what it imports by value, again and again. */
export function eagerGraph(entry: string): readonly Source[] {
  const found = new Set<Source>();
  const visit = (path: string) => {
    const source = sourceAt(path);
    if (source === undefined || found.has(source)) return;
    found.add(source);
    for (const { target, kind } of source.imports) if (kind === "value") visit(target);
  };
  visit(entry);
  return [...found];
}

function list(): readonly string[] {
  const options = { cwd: top, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync("git", ["ls-files"], options);
  if (status !== 0) throw new Error(`Cannot list the project's files: ${stderr}`);
  return stdout.split("\n").filter((path) => path !== "" && existsSync(join(top, path)));
}

/** What package.json makes of "#ffi", in the executables. */
function aliased(target: string): string {
  const path: string | undefined = aliases[target]?.bun;
  return path === undefined ? target : normalize(path);
}

/** The text is formatted, so that one form of each kind of import is all there is. */
export function importsOf(path: string, text: string): readonly Import[] {
  const code = text.replaceAll(/^\s*(\/\*\*.*|\*.*|\/\/.*)$/gm, "");
  const statements = code.matchAll(
    /^(?:import|export) (type )?[^;"]*? from "([^"]+)"(?: with \{[^}]*\})?;$/gm,
  );
  const bare = code.matchAll(/^import "([^"]+)";$/gm);
  const lazy = code.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  const at = (target: string) =>
    target.startsWith(".") ? normalize(join(dirname(path), target)) : aliased(target);
  return [
    ...Array.from(statements, ([, type, target = ""]): Import => {
      return { target: at(target), kind: type === undefined ? "value" : "type" };
    }),
    ...Array.from(bare, ([, target = ""]): Import => ({ target: at(target), kind: "value" })),
    ...Array.from(lazy, ([, target = ""]): Import => ({ target: at(target), kind: "lazy" })),
  ];
}
