/** What the cluster's benchmark found, and what was to be reached: pure. */
import type { AddSamples } from "./adds.ts";
import type { ScaleSamples } from "./scale.ts";
import type { TcpSamples } from "./tcp.ts";

export interface Finding {
  readonly what: string;
  /** "times" is a ratio; a count has none. */
  readonly unit?: "ms" | "times" | "MiB" | "Mbit/s";
  readonly samples: readonly number[];
  /** For the median. */
  readonly goal?: Goal;
}

export interface Goal {
  readonly least?: number;
  readonly most?: number;
}

export const tcpFindings = ({ throughput, cpu, rate }: TcpSamples): readonly Finding[] => [
  {
    what: "TCP between two nodes: ours to a bridge made by hand",
    unit: "times",
    samples: throughput,
    goal: { least: 0.95 },
  },
  { what: "the switches' CPU time for a byte: ours to theirs", unit: "times", samples: cpu },
  { what: "TCP between two nodes, ours", unit: "Mbit/s", samples: rate },
];

export const changeFindings = (samples: readonly number[]): readonly Finding[] => [
  {
    what: "a lease written to etcd, until the last of 3 switches has it",
    unit: "ms",
    samples,
    goal: { most: 100 },
  },
];

export function scaleFindings(found: ScaleSamples): readonly Finding[] {
  const { start, restart, compare, change, memory, flows } = found;
  const of = (what: string) => `1,000 nodes, 4 leases each: ${what}`;
  return [
    {
      what: of("the agent started, until an empty switch has all"),
      unit: "ms",
      samples: start,
      goal: { most: 2_000 },
    },
    {
      what: of("ovs-vswitchd restarted, until it has all"),
      unit: "ms",
      samples: restart,
      goal: { most: 1_000 },
    },
    { what: of("the agent finds nothing different"), unit: "ms", samples: compare },
    { what: of("a lease written, until the switch has it"), unit: "ms", samples: change },
    { what: of("the agent's peak memory"), unit: "MiB", samples: [memory], goal: { most: 200 } },
    {
      what: of("flows for each lease"),

      samples: [flows.perLease],
      goal: { most: 3 },
    },
    { what: of("all other flows"), samples: [flows.others] },
  ];
}

export function addFindings({ file, fresh, read, claim }: AddSamples): readonly Finding[] {
  const ratio = fresh.map((ms, index) => ms / (file[index] ?? Number.NaN));
  return [
    {
      what: "ADD with a fresh cache: etcd to the embedded store",
      unit: "times",
      samples: ratio,
      goal: { most: 1.1 },
    },
    { what: "ADD with the embedded store", unit: "ms", samples: file },
    { what: "ADD with etcd and a fresh cache", unit: "ms", samples: fresh },
    { what: "ADD with etcd that reads the store", unit: "ms", samples: read },
    { what: "ADD with etcd that claims a lease", unit: "ms", samples: claim },
  ];
}
