/** Between nodes, too, a network is reached by nothing but itself, whoever forwards. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import { formatMac, macOfIp4 } from "../../lib/net/mac.ts";
import { capture } from "../lab/capture.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { reply4, sendFrames, udp4 } from "../lab/frames.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { leaveCluster } from "../lab/leave.ts";
import { awaitPath, type Place, placeOn } from "../lab/place.ts";
import { ask } from "../lab/services.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };
const port = 8080;

let lab: Lab;
let cluster: Cluster;
/** Both networks are on both nodes. */
let webA: Place;
let webB: Place;
let dbA: Place;
let dbB: Place;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
  const [nodeA, nodeB] = cluster.nodes as [ClusterNode, ClusterNode];
  for (const node of cluster.nodes) await node.startAgent();
  webA = await placeOn(lab, nodeA, web, { name: "web-a", ports: [port] });
  webB = await placeOn(lab, nodeB, web, { name: "web-b", ports: [port] });
  dbA = await placeOn(lab, nodeA, db, { name: "db-a", ports: [port + 1] });
  dbB = await placeOn(lab, nodeB, db, { name: "db-b", ports: [port + 1] });
  await awaitPath(webA, webB);
  await awaitPath(dbA, dbB);
});
afterAll(() =>
  leaveCluster(lab, cluster, [
    [web, webA, webB],
    [db, dbA, dbB],
  ]),
);

test("another network's containers and addresses are reached on no node", async () => {
  const of = ({ address, own }: Place) => [address.ip, address.ip6, own.ip, own.ip6];
  const ways = [...of(dbA), ...of(dbB)].map((address) => [
    address,
    { protocol: "tcp", address, port: port + 1 } as const,
  ]);
  const tries: Readonly<Record<string, { protocol: "tcp"; address: string; port: number }>> =
    Object.fromEntries(ways);
  const answers = await ask(webA.netns, tries);
  expect(Object.values(answers)).toEqual(ways.map(() => undefined));
  const own = await ask(dbA.netns, tries);
  expect(Object.values(own)).not.toContain(undefined);
});

test("a container's VXLAN packets bring no frame into any network", async () => {
  const vxlan = 4789;
  // As the other node would take it, coming from A's address: from a container of A to one of B.
  const forged = (vni: number, from: Place, to: Place) => {
    const head = { from: macOf(from.address.ip), to: macOf(to.address.ip) };
    const inner = reply4(head, from.address.ip, to.address.ip);
    const header = [0x08, 0, 0, 0, vni >> 16, (vni >> 8) & 0xff, vni & 0xff, 0];
    const way = { source: webA.address.ip, destination: to.vtep.ip, from: vxlan, to: vxlan };
    const toGateway = { from: macOf(webA.address.ip), to: macOf("10.2.0.1") };
    return udp4(toGateway, way, Buffer.concat([Buffer.from(header), inner]));
  };
  const heard = await Promise.all(
    [webB, dbB].map(({ netns }) => capture(netns, "eth0", "icmp[icmptype] == icmp-echoreply")),
  );
  const frames = [forged(await vniOf("web"), webA, webB), forged(await vniOf("db"), dbA, dbB)];
  await sendFrames(webA.netns, "eth0", frames);
  expect(await Promise.all(heard.map(({ stop }) => stop()))).toEqual([[], []]);
});

const macOf = (address: string) => formatMac(macOfIp4(parseIp4(address) ?? (0 as Ip4)));

async function vniOf(network: string): Promise<number> {
  const entries = await cluster.readStore();
  const value = entries.find(({ key }) => key === `networks/${network}`)?.value ?? "{}";
  return (JSON.parse(value) as { readonly vni: number }).vni;
}
