/**
 * What can be typed, as data: the parser, help, completion, and the pages of the manual are made of
 * it. See main.ts for the folder's note.
 */
import type { OutputFormat } from "./output.ts";
import type { CliWorld } from "./world.ts";

/** What is completed with Tab. */
export type Completed =
  | "network"
  | "node"
  | "container"
  /** What a packet comes from, or goes to: a container or a node. */
  | "party"
  | "run"
  | "file"
  | "interface";

/** What follows the command's name, by its place. */
export interface Argument {
  readonly describe: string;
  /** It may be left out, and is undefined then. */
  readonly optional?: true;
  /** All that is left of the line, as a list: the command line of another program. */
  readonly rest?: true;
  /** One or more words, as a list: the last argument. */
  readonly many?: true;
  readonly completes?: Completed;
}

/** "ipRange" in the definition is --ip-range on the line. */
export interface Option {
  /** A list is an option that may be given several times. */
  readonly type: "text" | "flag" | "list";
  readonly describe: string;
  /** Its value in help, as "NAME". */
  readonly value?: string;
  /** One letter. */
  readonly alias?: string;
  readonly oneOf?: readonly string[];
  readonly completes?: Completed;
}

/** A line that can be typed as it is, and what it is for. */
export type Example = readonly [line: string, what: string];

/** What is said of a command or a group of them. */
interface About {
  readonly name: string;
  /** One line, without a full stop. */
  readonly describe: string;
  /** Paragraphs, each on one line: they are wrapped to the terminal's width. */
  readonly about?: string;
  readonly examples: readonly Example[];
}

type Arguments = Readonly<Record<string, Argument>>;
type Options = Readonly<Record<string, Option>>;

/** The values of a command line. What the command says itself of an option of all, counts. */
export type Values<A extends Arguments, O extends Options> = Omit<Common, keyof O> & {
  readonly [name in keyof A]: A[name] extends { rest: true } | { many: true }
    ? readonly string[]
    : A[name] extends { optional: true }
      ? string | undefined
      : string;
} & {
  readonly [name in keyof O]: O[name] extends { type: "flag" }
    ? boolean
    : O[name] extends { type: "list" }
      ? readonly string[]
      : O[name] extends { oneOf: readonly (infer Word extends string)[] }
        ? Word | undefined
        : string | undefined;
};

/** What every command takes. */
export interface Common {
  readonly config?: string | undefined;
  readonly output?: OutputFormat | undefined;
}

interface Definition<A extends Arguments, O extends Options> extends About {
  readonly aliases?: readonly string[];
  readonly arguments?: A;
  readonly options?: O;
  /** All that is wrong with the options' values: told beside what the definition refuses. */
  readonly faultsIn?: (values: Values<Record<never, never>, O>) => readonly string[];
  /** Gives an exit status if it is not 0. */
  readonly run: (world: CliWorld, values: Values<A, O>) => Promise<void> | Promise<number>;
}

/** A word, or the last of two, that does something. */
export interface Command extends About {
  readonly aliases: readonly string[];
  readonly arguments: Arguments;
  readonly options: Options;
  readonly faultsIn: (values: Values<Record<never, never>, Options>) => readonly string[];
  readonly run: (
    world: CliWorld,
    values: Values<Arguments, Options>,
  ) => Promise<void> | Promise<number>;
}

/** A word that others follow, as in `socketplane network list`. */
export interface Group extends About {
  readonly commands: readonly Entry[];
}

export type Entry = Command | Group;

/** A command, and the words that are typed for it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** Completes a definition; the types of the values follow from it. */
export function command<
  const A extends Arguments = Record<never, Argument>,
  const O extends Options = Record<never, Option>,
>(definition: Definition<A, O>): Command {
  const { run, faultsIn } = definition;
  return {
    ...definition,
    aliases: definition.aliases ?? [],
    arguments: definition.arguments ?? {},
    options: definition.options ?? {},
    // What is parsed by a definition has its types.
    faultsIn: (values) => faultsIn?.(values as Values<Record<never, never>, O>) ?? [],
    run: (world, values) => run(world, values as Values<A, O>),
  };
}

/** All commands of an entry: itself, or those under it. */
export const leavesOf = (entry: Entry, above: readonly string[] = []): readonly Leaf[] => {
  const path = [...above, entry.name];
  if (!isGroup(entry)) return [{ path, command: entry }];
  return entry.commands.flatMap((one) => leavesOf(one, path));
};

export const isGroup = (entry: Entry): entry is Group => "commands" in entry;
