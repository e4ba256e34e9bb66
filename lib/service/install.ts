/**
 * Puts this executable, and what it needs, to its places. See services.ts for the folder's note.
 *
 * What is going to be written is written down first: one that was killed is ended by the next, or
 * taken back by uninstall.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import type { Content, Tree } from "../sys/tree.ts";
import { outsideOf, stayInside } from "./inside.ts";
import { type Step, stepFor, type Wanted } from "./install-plan.ts";
import {
  formatInstalled,
  type Installed,
  type InstalledFile,
  markOf,
  parseInstalled,
  recordFile,
  recordFolder,
} from "./installed.ts";

/** In the record's folder. */
export const lockFile = "install.lock";

export interface Installing {
  readonly tree: Tree;
  /** Opens a folder of ours, made if absent. */
  readonly makeDir: (path: string) => Dir;
  /** What comes before each path: empty, or the folder that an image is made in. */
  readonly root: string;
  readonly deadline: Deadline;
}

/** What was done about one file, for people. */
export type Told = { readonly path: string; readonly state: string };

interface Planned {
  readonly wanted: Wanted;
  readonly mark: string;
  readonly step: Step;
}

/** Throws Failure "io" that names all that is in the way, and has changed nothing then. */
export function install(
  installing: Installing,
  files: readonly Wanted[],
  version: string,
): readonly Told[] {
  const { tree, root } = installing;
  return withRecord(installing, (dir) => {
    const before = readRecord(dir);
    const plan = files.map((wanted): Planned => {
      const mark = markFor(tree, wanted.content);
      const outside = outsideOf(tree, root, wanted.path);
      const step: Step =
        outside === undefined
          ? stepFor(wanted, mark, tree.look(root + wanted.path), before)
          : { do: "refuse", why: outside };
      return { wanted, mark, step };
    });
    settle(plan);
    const writes = plan.filter(({ step }) => step.do === "write");
    const folders = missingFolders(tree, root, writes);
    const record = recordOf(before, plan, folders);
    const isAllThere = writes.length === 0 && before?.isComplete === true;
    if (!isAllThere) {
      dir.replace(recordFile, formatInstalled({ ...record, version, isComplete: false }));
    }
    for (const folder of folders) {
      tree.makeFolder(root + folder, folder === "/etc/socketplane" ? 0o700 : 0o755);
    }
    for (const { wanted } of plan) tree.sweep(folderOf(root + wanted.path));
    for (const { wanted } of writes) {
      tree.write(root + wanted.path, rooted(root, wanted.content));
    }
    const ended = record.files.map((file) => latest(file, plan));
    dir.replace(
      recordFile,
      formatInstalled({ ...record, files: ended, version, isComplete: true }),
    );
    return plan.map(({ wanted, step }) => ({ path: wanted.path, state: stateOf(step) }));
  });
}

/** Runs with the record's folder open, and nobody else installing there. */
export function withRecord<T>(installing: Installing, body: (dir: Dir) => T): T {
  const { tree, makeDir, root, deadline } = installing;
  stayInside("open the record", tree, root, [recordFolder]);
  const dir = makeDir(root + recordFolder);
  try {
    const unlock = dir.lock(lockFile, "exclusive", deadline);
    try {
      return body(dir);
    } finally {
      unlock();
    }
  } finally {
    dir.close();
  }
}

export function readRecord(dir: Dir): Installed | undefined {
  const text = dir.read(recordFile);
  return text === undefined ? undefined : parseInstalled(text, `${dir.path}/${recordFile}`);
}

function markFor(tree: Tree, content: Content): string {
  switch (content.kind) {
    case "text":
      return `sha256:${tree.hashOf(content.text)}`;
    case "link":
      return `link:${content.target}`;
    default:
      return `sha256:${tree.ownHash()}`;
  }
}

/** A symlink leads from where it will be read; a further name is made here and now. */
const rooted = (root: string, content: Content): Content =>
  content.kind === "name" ? { kind: "name", of: root + content.of } : content;

function settle(plan: readonly Planned[]): void {
  const faults = plan.flatMap(({ wanted, step }) =>
    step.do === "refuse" ? [`${wanted.path} is in the way: ${step.why}`] : [],
  );
  if (faults.length === 0) return;
  throw new Failure("io", `Cannot install: ${faults[0]}`, {
    details: [...faults.slice(1), "Move it away, or name other folders: see --help."].join("\n"),
  });
}

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** Outer ones first. */
function missingFolders(tree: Tree, root: string, writes: readonly Planned[]): readonly string[] {
  const missing = new Set<string>();
  for (const { wanted } of writes) {
    const names = wanted.path.split("/").slice(1, -1);
    for (const [index] of names.entries()) {
      const folder = `/${names.slice(0, index + 1).join("/")}`;
      if (tree.look(root + folder) === undefined) missing.add(folder);
    }
  }
  return [...missing];
}

/** What may be there until all is done: what was, and what will be. */
function recordOf(
  before: Installed | undefined,
  plan: readonly Planned[],
  folders: readonly string[],
): Pick<Installed, "files" | "folders"> {
  const files = new Map((before?.files ?? []).map((file) => [file.path, file]));
  for (const { wanted, mark, step } of plan) {
    const { path } = wanted;
    if (step.do !== "write") continue;
    const marks = files.get(path)?.marks ?? [];
    files.set(path, { path, marks: [...new Set([...marks, mark])] });
  }
  return {
    files: [...files.values()],
    folders: [...new Set([...(before?.folders ?? []), ...folders])],
  };
}

const latest = (file: InstalledFile, plan: readonly Planned[]): InstalledFile => {
  const planned = plan.find(({ wanted }) => wanted.path === file.path);
  const isSettled = planned?.step.do === "write" || planned?.step.do === "nothing";
  return planned !== undefined && isSettled ? { ...file, marks: [planned.mark] } : file;
};

function stateOf(step: Step): string {
  if (step.do === "write") return step.over === undefined ? "written" : "replaced";
  return step.do === "nothing" ? "as it is to be" : `left: ${step.why}`;
}

/** Whether a path holds what install wrote there. */
export const isUnchanged = (tree: Tree, root: string, { path, marks }: InstalledFile): boolean => {
  const mark = markOf(tree.look(root + path));
  return mark !== undefined && marks.includes(mark);
};
