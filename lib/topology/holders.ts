/** The nodes, and what each holds: pure. See topology.ts for the folder's note. */
import { isOf } from "../ipam/leases.ts";
import { formatVtep } from "../ipam/nodes.ts";
import type { Prefix4 } from "../net/prefix.ts";
import type { ClusterFacts, ClusterNode } from "../survey/cluster.ts";
import type { NodeFacts } from "../survey/here.ts";
import { valueOr } from "../survey/known.ts";
import type { Survey } from "../survey/survey.ts";
import type { TopologyNode } from "./topology.ts";

export interface Holder {
  readonly name: string;
  readonly isSelf: boolean;
  readonly vtep: string | undefined;
  readonly version: string | undefined;
  readonly agent: TopologyNode["agent"];
  readonly blocks: readonly Block[];
}

export interface Block {
  readonly network: string;
  readonly prefix: Prefix4;
}

/** What this node is called where it has no name. */
const nameless = "(this node)";

export const selfName = ({ self }: Survey): string => valueOr(self.name, nameless);

/** This node first, then by name. */
export function holdersOf(survey: Survey): readonly Holder[] {
  const { cluster, here } = survey;
  const own = selfOf(survey);
  if (!cluster.known) {
    const facts = valueOr(here, undefined);
    return [{ ...own, blocks: cachedBlocks(facts) }, ...rememberedPeers(facts)];
  }
  const blocks = blocksByNode(cluster.value);
  const nodes = [...cluster.value.nodes].sort((a, b) => names.compare(a.name, b.name));
  const registered = nodes.find(({ name }) => name === own.name);
  return [
    {
      ...own,
      vtep: own.vtep ?? vtepIn(registered),
      version: registered?.version,
      blocks: blocks.get(own.name) ?? [],
    },
    ...nodes
      .filter((node) => node !== registered)
      .map(
        (node): Holder => ({
          name: node.name,
          isSelf: false,
          vtep: vtepIn(node),
          version: node.version,
          agent: node.agent ? "alive" : "away",
          blocks: blocks.get(node.name) ?? [],
        }),
      ),
  ];
}

/** As people count: host-2 before host-10. */
export const names = new Intl.Collator("en", { numeric: true });

function selfOf(survey: Survey): Holder {
  const vtep = valueOr(survey.self.vtep, undefined);
  return {
    name: selfName(survey),
    isSelf: true,
    vtep: vtep && formatVtep(vtep),
    version: undefined,
    agent: survey.agent.known ? "alive" : "away",
    blocks: [],
  };
}

const vtepIn = (node: ClusterNode | undefined): string | undefined =>
  node?.vtep && formatVtep(node.vtep);

/** What a node claimed before it was removed and came back is nobody's. */
function blocksByNode({ nodes, leases }: ClusterFacts): ReadonlyMap<string, readonly Block[]> {
  const registered = new Map(nodes.map((node) => [node.name, node]));
  const found = new Map<string, Block[]>();
  for (const lease of leases) {
    const node = registered.get(lease.node);
    if (node === undefined || !isOf(lease, node)) continue;
    const blocks = found.get(node.name) ?? [];
    blocks.push({ network: lease.network, prefix: lease.prefix });
    found.set(node.name, blocks);
  }
  return found;
}

const cachedBlocks = (facts: NodeFacts | undefined): readonly Block[] =>
  (facts?.networks ?? []).flatMap(({ name: network, held }) =>
    (held?.blocks ?? []).map(({ prefix }) => ({ network, prefix })),
  );

/** Without the store, of other nodes no more is known than what the switch needs. */
function rememberedPeers(facts: NodeFacts | undefined): readonly Holder[] {
  const found = new Map<string, Block[]>();
  for (const { name: network, peers } of facts?.networks ?? []) {
    for (const { prefix, vtep } of peers) {
      const address = formatVtep(vtep);
      const blocks = found.get(address) ?? [];
      blocks.push({ network, prefix });
      found.set(address, blocks);
    }
  }
  return [...found]
    .sort(([a], [b]) => names.compare(a, b))
    .map(([vtep, blocks]) => ({
      name: `at ${vtep}`,
      isSelf: false,
      vtep,
      version: undefined,
      agent: "unknown",
      blocks,
    }));
}
