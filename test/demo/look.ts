/** What is there of the demo, read from the kernel and the switch by other programs than ours. */
import type { Attached } from "../lab/attach.ts";
import type { Outside } from "../lab/lab.ts";
import type { Container, LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import type { Box, Drawn, DrawnNetwork } from "./draw.ts";

interface Link {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

interface Network {
  readonly id: string;
  readonly subnet: string;
  readonly vni: number;
  readonly gateway: string;
}

export async function lookAt(
  node: LabNode,
  outside: Outside,
  all: readonly Attached[],
): Promise<Drawn> {
  const links = await linksOf(node.netns);
  const networks = (await node.socketplane("network", "list")).json as readonly Network[];
  return {
    node: node.name,
    bridge: "sp0",
    networks: await Promise.all(
      [...networks].sort((a, b) => a.vni - b.vni).map((one) => networkOf(node, one, links, all)),
    ),
    outside: {
      title: `the world outside: ${outside.address}`,
      lines: [`sees every container as ${outside.node}`],
    },
  };
}

async function networkOf(
  node: LabNode,
  { id, subnet, vni, gateway }: Network,
  links: readonly Link[],
  all: readonly Attached[],
): Promise<DrawnNetwork> {
  const own = links.find(({ ifname }) => ifname === `sp-${id}`);
  const containers: Box[] = [];
  for (const attached of all) {
    const ids = await node.ovs.vsctl("get", "interface", attached.outer, "external_ids");
    if (ids.includes(`socketplane-network=${id},`)) containers.push(await containerOf(attached));
  }
  const addresses = own?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`) ?? [];
  return {
    name: id,
    subnet,
    vni,
    containers,
    gateway: {
      title: own?.ifname ?? "no port",
      lines: [`${addresses.join("  ")}`, `gateway ${gateway}, MTU ${own?.mtu}`],
    },
  };
}

/** Read in the container itself. */
async function containerOf({ container, outer }: Attached): Promise<Box> {
  const eth0 = (await linksOf(container.netns)).find(({ ifname }) => ifname === "eth0");
  const [address] = eth0?.addr_info ?? [];
  return {
    title: shortName(container),
    lines: [`${address?.local}/${address?.prefixlen}`, eth0?.address ?? "", outer],
  };
}

/** Without what makes it unique on this machine. */
export const shortName = ({ id }: Container): string => id.replace(/^.*?-\d+-\d+-/, "");

export const linksOf = async (netns: string): Promise<readonly Link[]> =>
  JSON.parse(await must({ netns, argv: ["ip", "-j", "address"] }));
