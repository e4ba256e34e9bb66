/**
 * Metrics in Prometheus' text format, and what of them the agent keeps.
 *
 * Source: "Exposition formats", text-based format 0.0.4 (prometheus.io).
 */

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly name: string;
  readonly labels: Labels;
  value: number;
}

export interface Metrics {
  /** Adds one to a counter, or more. */
  readonly count: (name: Counter, labels?: Labels, by?: number) => void;
  readonly set: (name: Gauge, value: number, labels?: Labels) => void;
  /** All of them, as text. */
  readonly text: () => string;
}

/** What each is, and what it says; a counter only grows. */
const gauges = {
  socketplane_info: "Which version runs, on which node; always 1.",
  socketplane_store_up: "1 while the store answers and every change in it is seen.",
  socketplane_switch_up: "1 while ovs-vswitchd answers.",
  socketplane_in_step: "1 while the switch is what the store asks for, as far as is known.",
  socketplane_revision_seen: "The store's revision up to which all changes were seen.",
  socketplane_revision_applied: "The store's revision that the switch was last brought up to.",
  socketplane_watch_lag_seconds:
    "Time from a write of this node's own to the store until it was seen by watching.",
  socketplane_change_seconds: "How long the last change took from being seen to the switch.",
  socketplane_seen_timestamp_seconds: "When it was last certain that every change was seen.",
  socketplane_networks: "Networks in the store.",
  socketplane_nodes: "Nodes in the store.",
  socketplane_leases:
    "Leases in the store, by whose they are: this node's (own) or others' (peer).",
  socketplane_unreadable_keys: "Keys in the store that this version cannot read.",
  socketplane_networks_here: "Networks that stand on this node.",
  socketplane_attachments: "Containers' ports on the switch.",
  socketplane_flows: "Flows of ours in the switch.",
  socketplane_vteps: "VTEPs of the peers that have leases in the networks here.",
  socketplane_forwarding_dropped_by_others:
    "1 if somebody else's firewall drops what is forwarded, unless a rule of its own accepts it.",
  socketplane_certificate_end_timestamp_seconds: "When this node's certificate for the store ends.",
} as const;

const counters = {
  socketplane_syncs_total:
    "Full synchronisations of the switch, by why, and by whether anything was different.",
  socketplane_sync_seconds_total: "Time that full synchronisations took.",
  socketplane_changes_total: "Networks whose change was brought into the switch by itself.",
  socketplane_failures_total: "What failed, and was or will be tried again, by what it was.",
  socketplane_store_reads_total: "How often all of the store was read, by why.",
  socketplane_blocks_total: "Blocks claimed ahead, claimed again, given back and lost.",
  socketplane_joins_total:
    "Networks that this node was brought into, ahead of its first container.",
  socketplane_swept_total: "Ports, links and assignments removed that had no container any more.",
  socketplane_mirrored_total: "Assignments written to and removed from the store.",
} as const;

export type Gauge = keyof typeof gauges;
export type Counter = keyof typeof counters;

export function openMetrics(): Metrics {
  const series = new Map<string, Series>();
  const find = (name: string, labels: Labels): Series => {
    const key = name + formatLabels(labels);
    const found = series.get(key) ?? { name, labels, value: 0 };
    series.set(key, found);
    return found;
  };
  return {
    count: (name, labels = {}, by = 1) => {
      find(name, labels).value += by;
    },
    set: (name, value, labels = {}) => {
      find(name, labels).value = value;
    },
    text: () => formatMetrics([...series.values()]),
  };
}

/** Those that have a value, in the order of the tables above. */
function formatMetrics(series: readonly Series[]): string {
  const family = (type: string, [name, help]: readonly [string, string]) => {
    const lines = series
      .filter((one) => one.name === name)
      .map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}\n`);
    return lines.length === 0
      ? ""
      : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  };
  return [
    ...Object.entries(gauges).map((one) => family("gauge", one)),
    ...Object.entries(counters).map((one) => family("counter", one)),
  ].join("");
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
