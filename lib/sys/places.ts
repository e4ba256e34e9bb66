/** Folders of programs and of files, as who only looks sees them. */

/** What is at a path, links followed; "hidden": this user may not look there. */
export type PlaceState = "absent" | "not a file" | "not executable" | "there" | "hidden";

export interface Places {
  /** A path from the root: of one from the working directory, too. */
  readonly absolute: (path: string) => string;
  readonly program: (path: string) => PlaceState;
  /** The names in a folder; undefined if there is none. Throws Failure "io" where it can't be read. */
  readonly names: (folder: string) => readonly string[] | undefined;
  /** What a program says, run with these arguments and an empty environment; undefined: nothing. */
  readonly says: (
    path: string,
    args: readonly string[],
    patienceMs: number,
  ) => Promise<string | undefined>;
}
