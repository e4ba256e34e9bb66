/** What is there of the demo, read from the kernel and the store by other programs than ours. */
import type { Attached } from "../lab/attach.ts";
import type { Cluster, ClusterNode } from "../lab/cluster.ts";
import { leasesIn } from "../lab/facts.ts";
import type { Container } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import type { Box, Drawn } from "./draw.ts";

interface Link {
  readonly ifname: string;
  readonly address: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** A container, where it is and in which network. */
export interface Placed {
  readonly node: ClusterNode;
  readonly network: string;
  readonly attached: Attached;
}

export async function lookAt(cluster: Cluster, placed: readonly Placed[]): Promise<Drawn> {
  const leases = leasesIn(await cluster.readStore());
  const nodes = cluster.nodes.map(async (node) => {
    const here = placed.filter((one) => one.node === node);
    const [vtep] =
      (await linksOf(node.netns)).find(({ ifname }) => ifname === "br-phy")?.addr_info ?? [];
    return {
      name: node.name,
      containers: await Promise.all(here.map(containerOf)),
      leases: leases
        .filter((lease) => lease.node === node.name)
        .map(({ network, block }) => `${network} ${block.replace(/-(\d+)@.*/, "/$1")}`),
      vtep: vtep?.local ?? "nowhere",
    };
  });
  return {
    nodes: await Promise.all(nodes),
    underlay: "192.0.2.0/24: nothing but VXLAN between the nodes",
    store: cluster.etcd.endpoints.join(),
  };
}

/** Read in the container itself. */
async function containerOf({ attached, network }: Placed): Promise<Box> {
  const { container } = attached;
  const [address] = (await eth0Of(container))?.addr_info ?? [];
  return {
    title: shortName(container),
    lines: [`${address?.local}/${address?.prefixlen}`, `network ${network}`],
  };
}

/** Without what makes it unique on this machine. */
export const shortName = ({ id }: Container): string => id.replace(/^.*?-\d+-\d+-/, "");

export const eth0Of = async ({ netns }: Container): Promise<Link | undefined> =>
  (await linksOf(netns)).find(({ ifname }) => ifname === "eth0");

const linksOf = async (netns: string): Promise<readonly Link[]> =>
  JSON.parse(await must({ netns, argv: ["ip", "-j", "address"] }));
