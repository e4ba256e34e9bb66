/**
 * What a switch says of one packet's way through its tables: read from the text of `ofproto/trace`.
 *
 * The text is for people, and differs from version to version: what is not understood is kept as it
 * is, and says nothing. See way.ts for the folder's note.
 */

/** One table that the packet was looked up in, in their order. */
export interface Lookup {
  readonly bridge: string;
  readonly table: number;
  /** As ovs-ofctl(8) writes it, without the priority: "reg0=0x1,dl_dst=02:42:0a:02:00:03". */
  readonly match: string;
  /** Undefined where no flow matched. */
  readonly priority: number | undefined;
  /** 0 where the flow has none. */
  readonly cookie: bigint;
  /** As ovs-ofctl(8) writes them: "set_field:0x1->reg0", "goto_table:30", "drop". */
  readonly actions: readonly string[];
  /** What the switch adds to an action: "output to native tunnel". */
  readonly notes: readonly string[];
}

export interface SwitchTrace {
  readonly lookups: readonly Lookup[];
  /** What the datapath is told to do: "drop", "set(eth(dst=...)),5"; undefined where it isn't said. */
  readonly datapath: string | undefined;
  /** Why the switch gave up, in its own words; undefined where it did not. */
  readonly failed: string | undefined;
  /** All that it said. */
  readonly text: string;
  /** The state of the network's own port on that node; absent where it is not known. */
  readonly ownPort?: PortState | undefined;
}

export type PortState = "up" | "down";

/** Pure. Source: oftrace_node_print_details in Open vSwitch's ofproto/ofproto-dpif-trace.c. */
export function parseTrace(text: string): SwitchTrace {
  const lookups: Open[] = [];
  let bridge = "";
  let datapath: string | undefined;
  let failed: string | undefined;
  for (const line of text.split("\n")) {
    const words = line.trim();
    const started = parseStart(line, bridge);
    if (started !== undefined) lookups.push(started);
    else if (words.startsWith('bridge("')) bridge = words.slice(8, words.lastIndexOf('"'));
    else if (words.startsWith("Datapath actions: ")) datapath ??= words.slice(18);
    else if (words.startsWith("Translation failed")) failed = words;
    else if (isIndented(line)) take(lookups.at(-1), words);
  }
  return { lookups, datapath, failed, text };
}

/** A lookup whose actions are still being read. */
interface Open extends Lookup {
  readonly actions: string[];
  readonly notes: string[];
}

/** " 0. arp,in_port=2, priority 100, cookie 0x5350", "35. No match."; a name may follow the number. */
const lookupLine = /^ *(\d{1,3})(?:\([^)]*\))?\. (.*)$/;

function parseStart(line: string, bridge: string): Open | undefined {
  const found = lookupLine.exec(line);
  if (found === null) return undefined;
  const [, table = "", flow = ""] = found;
  const base = { bridge, table: Number(table), actions: [], notes: [] };
  if (flow.startsWith("No match")) return { ...base, match: "", priority: undefined, cookie: 0n };
  const priority = /(?:^|, )priority (\d+)/.exec(flow);
  const cookie = /, cookie (0x[0-9a-f]+)/.exec(flow);
  return {
    ...base,
    match: priority === null ? flow : flow.slice(0, priority.index),
    // What it doesn't say is OpenFlow's default.
    priority: Number(priority?.[1] ?? 0x8000),
    cookie: BigInt(cookie?.[1] ?? 0),
  };
}

/** What belongs to a lookup is indented; of "Flow:" and its like nothing is. */
const isIndented = (line: string): boolean => line.startsWith("    ");

function take(lookup: Open | undefined, words: string): void {
  if (lookup === undefined) return;
  // What it adds: a detail, a warning, or an error.
  const note = /^(?:->|>>|>>>>) (.*?)(?: <<<<)?$/.exec(words)?.[1];
  if (note !== undefined) lookup.notes.push(note);
  else if (words !== "") lookup.actions.push(words);
}

/**
 * Whether the datapath is told to send it nowhere: to change it at most, as "set(eth(dst=...))" is
 * all that is left of a frame for a VTEP whose MAC is not known.
 */
export function sendsNothing(datapath: string | undefined): boolean {
  let depth = 0;
  let flat = "";
  // In one pass: another node may have said so, and anything.
  for (const char of datapath ?? "?") {
    if (char === "(") depth += 1;
    else if (char === ")") depth -= 1;
    else if (depth === 0) flat += char;
    if (depth < 0) return false;
  }
  if (depth > 0) return false;
  return flat.split(",").every((one) => /^(drop|set|meter|push_vlan|pop_vlan)$/.test(one));
}
