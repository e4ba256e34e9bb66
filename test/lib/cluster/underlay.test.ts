import { expect, test } from "vitest";
import { remedy } from "../../../lib/cluster/underlay.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";

const ip4 = (text: string) => parseIp4(text) as never;
const ip6 = (text: string) => parseIp6(text) as never;

test("all addresses move to the bridge, and the default routes after them", () => {
  const addresses = [
    { family: 4, address: ip4("192.0.2.1"), length: 24 },
    { family: 6, address: ip6("2001:db8::1"), length: 64 },
  ] as const;
  const routes = [
    { family: 4, via: ip4("192.0.2.254"), index: 2 },
    { family: 6, via: ip6("fe80::1"), index: 2 },
    { family: 4, index: 2 },
  ] as const;
  expect(remedy("eth0", addresses, routes)).toEqual([
    "ovs-vsctl add-br br-phy -- set bridge br-phy datapath_type=netdev -- add-port br-phy eth0",
    "ip address flush dev eth0 && ip address add 192.0.2.1/24 dev br-phy && ip address add 2001:db8::1/64 dev br-phy && ip link set br-phy up",
    "ip route add default via 192.0.2.254 dev br-phy",
    "ip -6 route add default via fe80::1 dev br-phy",
  ]);
});
