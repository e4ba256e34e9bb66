/** What doctor says, and what it is made of: checks as data. See doctor.ts for the folder's note. */
import type { Known, Unknown } from "../survey/survey.ts";
import type { Facts, NodeFacts } from "./facts.ts";

/**
 * "warning": it works, but not as it should, or not for long; "unknown": could not be told;
 * "broken": something does not work.
 */
export type State = "ok" | "warning" | "broken" | "unknown";

/** What is looked at together, in the order it is shown: later ones live on earlier ones. */
export const areas = {
  machine: "Machine",
  files: "Files",
  switch: "Open vSwitch",
  underlay: "Underlay",
  store: "Store",
  node: "Node",
  agent: "Agent",
  firewall: "Firewall",
  networks: "Networks",
  containers: "Containers",
  peers: "Other nodes",
} as const;

export type Area = keyof typeof areas;

/** What a check found of one thing. */
export interface Verdict {
  readonly state: State;
  /** Of what, where a check has several: `network "web"`, `node "host-b"`. */
  readonly subject?: string | undefined;
  /** What was seen, with the values. */
  readonly seen: string;
  /** What to do: an exact command where there is one. Always there where it is broken. */
  readonly todo?: string | undefined;
  /** The check that has to be well first; only where the state is "unknown". */
  readonly because?: string | undefined;
}

/** As it is shown, and as `-o json` gives it. */
export interface Finding extends Verdict {
  /** Of the check: "switch.database". */
  readonly id: string;
  readonly area: Area;
}

export interface Check {
  /** Its area, and what it is about: "switch.database". */
  readonly id: `${Area}.${string}`;
  /** What it asks, in one line, for docs/doctor.md. */
  readonly asks: string;
  /** What to do in general, for docs/doctor.md. */
  readonly remedy: string;
  /** Whether it is asked here at all; by default it is. */
  readonly applies?: (facts: Facts) => boolean;
  /** What has to be well for this to be told; their checks come earlier in the list. */
  readonly needs?: readonly string[];
  /** What this comes of where they are broken; where they can't be told, it is asked all the same. */
  readonly comesOf?: readonly string[];
  /** What does not work when it is broken, for those that need it: "Open vSwitch is down". */
  readonly without?: string;
  /** Pure. Nothing where there is nothing to say of it here: no etcd, no peers. */
  readonly judge: (facts: Facts) => readonly Verdict[];
}

export const ok = (seen: string, subject?: string): Verdict => ({ state: "ok", subject, seen });

export const unknown = (seen: string, subject?: string): Verdict => ({
  state: "unknown",
  subject,
  seen,
});

type Told = Omit<Verdict, "state">;

export const warning = (told: Told): Verdict => ({ state: "warning", ...told });

export const broken = (told: Told & { readonly todo: string }): Verdict => ({
  state: "broken",
  ...told,
});

/** Of the node that node.json tells of; nothing where that can't be read. */
export const ofNode =
  (judge: (node: NodeFacts, facts: Facts) => readonly Verdict[]): Check["judge"] =>
  (facts) =>
    facts.node === undefined ? [] : judge(facts.node, facts);

/** A finding of what could not be looked at. */
export const notKnown = ({ why }: Unknown): readonly Verdict[] => [unknown(why)];

/** The value, where what needs it comes after what says that it is known. */
export const valueIn = <T>(known: Known<T>): T | undefined =>
  known.known ? known.value : undefined;

/** Where there are other nodes: with the embedded store there are none. */
export const inCluster = ({ node }: Facts): boolean => node?.config.store.type !== "file";
