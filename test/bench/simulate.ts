/** A cluster of many nodes, as the store has it: none of them runs. */
import { formatNode } from "../../lib/ipam/nodes.ts";
import { parseIp4 } from "../../lib/net/ip4.ts";
import { type Prefix4, parsePrefix4, prefix4Of, size4 } from "../../lib/net/prefix.ts";
import { keysUnder, type VtepAddress } from "../../lib/store/keys.ts";
import type { ClusterNode } from "../lab/cluster.ts";
import { must } from "../lab/run.ts";
import { transactionOf, type Writes } from "./gateway.ts";

export interface Simulated {
  readonly network: string;
  /** The prefix that the leases are taken from, /26 blocks before its last one, which is left. */
  readonly subnet: string;
  readonly nodes: number;
  readonly leasesEach: number;
}

/** Of a store with node.json's usual prefix. */
export const keys = keysUnder("/socketplane/v1");
const blockLength = 26;
/** As many writes as a transaction of etcd may have (--max-txn-ops). */
const writesAtOnce = 120;

/** Their VTEPs are 198.18.0.0 and following. */
export async function simulateNodes(
  { netns }: ClusterNode,
  endpoint: string,
  simulated: Simulated,
): Promise<void> {
  const put = async (body: string) => {
    const url = `${endpoint}/v3/kv/txn`;
    const argv = ["curl", "--silent", "--show-error", "--fail-with-body", "--data", "@-", url];
    await must({ netns, argv, stdin: body });
  };
  // A node before its leases: those of an earlier registration are nobody's.
  for (const writes of [nodesOf(simulated), leasesOf(simulated)]) {
    for (const body of inTransactions(writes)) await put(body);
  }
}

export const nameOf = (index: number): string => `far-${index}`;

export const vtepAt = (index: number): VtepAddress => ({
  family: 4,
  address: (address("198.18.0.0") + index) as ReturnType<typeof address>,
});

/** The block that is this many before the end of the subnet. */
export function blockAt(subnet: string, fromEnd: number): Prefix4 {
  const whole = parsePrefix4(subnet);
  if (whole === undefined) throw new Error(`Cannot read subnet ${subnet}`);
  const last = prefix4Of((whole.base + size4(whole) - 1) as typeof whole.base, blockLength);
  return { ...last, base: (last.base - fromEnd * size4(last)) as typeof last.base };
}

function nodesOf({ nodes }: Simulated): Writes {
  const records = Array.from({ length: nodes }, (_, index) => {
    const vtep = vtepAt(index);
    const machineId = index.toString(16).padStart(32, "0");
    const record = formatNode({ machineId, vtep, boot: "far", version: "far" });
    return [
      [keys.node(nameOf(index)), record],
      [keys.vtep(vtep), nameOf(index)],
    ];
  });
  return Object.fromEntries(records.flat());
}

function leasesOf({ network, subnet, nodes, leasesEach }: Simulated): Writes {
  const leases = Array.from({ length: nodes * leasesEach }, (_, index) => [
    keys.lease(network, blockAt(subnet, index + 1)),
    JSON.stringify({ node: nameOf(index % nodes) }),
  ]);
  return Object.fromEntries(leases);
}

function inTransactions(writes: Writes): readonly string[] {
  const entries = Object.entries(writes);
  const count = Math.ceil(entries.length / writesAtOnce);
  return Array.from({ length: count }, (_, index) =>
    transactionOf(
      Object.fromEntries(entries.slice(index * writesAtOnce, (index + 1) * writesAtOnce)),
    ),
  );
}

function address(text: string) {
  const parsed = parseIp4(text);
  if (parsed === undefined) throw new Error(`Cannot read address ${text}`);
  return parsed;
}
