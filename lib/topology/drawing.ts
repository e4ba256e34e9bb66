/** What a drawing shows, in words and in order, whichever it is; draw.ts makes it of a topology. */

/** A word and what it says: "MAC", "02:42:0a:02:00:05". */
export type Fact = readonly [string, string];

export interface Drawing {
  readonly title: string;
  /** What it was made of and when. */
  readonly made: readonly string[];
  /** "3 nodes", "2 networks", ... */
  readonly counts: readonly string[];
  /** What is not known, and what to do. */
  readonly notices: readonly Notice[];
  readonly networks: readonly DrawnNetwork[];
  /** This one first. */
  readonly nodes: readonly DrawnNode[];
}

export interface Notice {
  readonly what: string;
  readonly why: string;
  readonly todo: string | undefined;
}

export interface DrawnNetwork {
  readonly name: string;
  /** Which of the marks it has, of palette.ts. */
  readonly mark: number;
  /** "10.2.0.0/16" */
  readonly about: string;
  readonly count: number;
  readonly facts: readonly Fact[];
}

export type DrawnState = "good" | "bad" | "warning" | "unknown";

export interface DrawnNode {
  readonly name: string;
  readonly isHere: boolean;
  /** Its VTEP; empty where it has none. */
  readonly about: string;
  readonly state: DrawnState;
  /** How its agent is: "up" */
  readonly agent: string;
  readonly facts: readonly Fact[];
  readonly groups: readonly DrawnGroup[];
  /** What is said where there are no containers. */
  readonly none: string;
  readonly tunnel: DrawnTunnel | undefined;
}

/** A network's containers on one node. */
export interface DrawnGroup {
  readonly network: DrawnNetwork;
  readonly blocks: readonly string[];
  readonly containers: readonly DrawnContainer[];
}

export interface DrawnContainer {
  readonly name: string;
  readonly address: string;
  /** Undefined where nothing is wrong. */
  readonly trouble: string | undefined;
  readonly facts: readonly Fact[];
}

/** Between this node and another. */
export interface DrawnTunnel {
  readonly state: DrawnState;
  /** "2.1 MB" */
  readonly sent: string | undefined;
  readonly received: string | undefined;
  /** From 0, no traffic, to 1, the most of all. */
  readonly weight: number;
  readonly facts: readonly Fact[];
}
