/** Three nodes and the network web, as they were when the traces beside this were recorded. */
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import { type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import type { Facts, Holder } from "../../../lib/trace/facts.ts";
import type { Address, Content, Packet } from "../../../lib/trace/way.ts";

export const ip = (text: string) => parseIp4(text) as Ip4;
export const address = (text: string): Address => {
  const ip6 = text.includes(":") ? parseIp6(text) : undefined;
  return ip6 === undefined ? { family: 4, address: ip(text) } : { family: 6, address: ip6 };
};
export const vtep = (last: number): Address => address(`192.0.2.${last}`);

const web = {
  name: "web",
  subnet: parsePrefix4("10.2.0.0/16") as Prefix4,
  subnet6: parsePrefix6("fd00:2::/64") as Prefix6,
  gateway: ip("10.2.0.1"),
  range: { first: ip("10.2.0.1"), last: ip("10.2.255.254") },
  blockLength: 26,
  vni: 1,
  mtu: undefined,
  masquerade: true,
};
const db = {
  ...web,
  name: "db",
  subnet: parsePrefix4("10.3.0.0/16") as Prefix4,
  subnet6: parsePrefix6("fd00:3::/64") as Prefix6,
  gateway: ip("10.3.0.1"),
  vni: 2,
};

const lease = (prefix: string, number: number, network = "web") => ({
  network,
  prefix: parsePrefix4(prefix) as Prefix4,
  mac: undefined,
  node: `host-${"abc"[number - 1]}`,
  vtep: vtep(number),
});

const holder = (name: string, node: string, text: string, more: Partial<Holder> = {}): Holder => ({
  node,
  network: "web",
  address: ip(text),
  mac: macOfIp4(ip(text)),
  id: { name: "web", containerId: name, ifname: "eth0" },
  name,
  isOwn: false,
  ofport: undefined,
  ...more,
});

/** As host-a knows them. */
export const facts: Facts = {
  node: "host-a",
  vtep: vtep(1),
  networks: [web, db],
  nodes: [1, 2, 3].map((number) => ({
    name: `host-${"abc"[number - 1]}`,
    vtep: vtep(number),
    agent: true,
  })),
  leases: [
    lease("10.2.105.64/26", 1),
    lease("10.2.0.0/26", 2),
    lease("10.2.143.192/26", 3),
    lease("10.3.105.64/26", 1, "db"),
  ],
  holders: [
    holder("host-a", "host-a", "10.2.105.64", { isOwn: true, ofport: 42_087 }),
    holder("one", "host-a", "10.2.105.65", { ofport: 2202 }),
    holder("two", "host-b", "10.2.0.3"),
    holder("three", "host-c", "10.2.143.193"),
    holder("data", "host-a", "10.3.105.65", { network: "db", ofport: 40_012 }),
  ],
  isWhole: true,
  gaps: [],
};

export const echo: Content = { kind: "icmp", answer: false };
export const packet = (
  from: string,
  to: string,
  content: Content = echo,
  more: Partial<Packet> = {},
): Packet => ({
  network: "web",
  vni: 1,
  ethSrc: macOfIp4(ip(from)),
  ethDst: macOfIp4(ip(to)),
  from: address(from),
  to: address(to),
  content,
  ...more,
});
