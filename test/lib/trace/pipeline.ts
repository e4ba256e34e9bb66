/** A node's switch as the tests of this folder have it: two networks, peers, given MACs, limits. */
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { ip6Of, type Mac, macOfIp4, parseMac } from "../../../lib/net/mac.ts";
import { type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import type { SwitchAttachment, SwitchState } from "../../../lib/overlay/state.ts";

export const ip = (text: string) => parseIp4(text) as Ip4;
export const ip6 = (text: string) => parseIp6(text) as Ip6;
export const mac = (text: string) => parseMac(text) as Mac;
const prefix = (text: string) => parsePrefix4(text) as Prefix4;
const vtep = (text: string) => ({ family: 4, address: ip(text) }) as const;

export const subnet6 = parsePrefix6("fd00:2::/64") as Prefix6;
/** Of a container of another node, and of one of this node. */
export const oddThere = mac("0e:00:00:00:00:07");
export const oddHere = mac("0e:00:00:00:00:14");
export const ours = vtep("192.0.2.1");
export const peers = [vtep("192.0.2.2"), vtep("192.0.2.3")] as const;
export const peer6 = { family: 6, address: ip6("2001:db8:2::9") } as const;

const attachment = (vni: number, ofport: number, text: string): SwitchAttachment => {
  const address = ip(text);
  const address6 = vni === 100 ? ip6Of(subnet6, address) : undefined;
  return { vni, ofport, address, address6, mac: macOfIp4(address) };
};

export const attachments: readonly SwitchAttachment[] = [
  attachment(100, 30, "10.2.0.10"),
  attachment(100, 31, "10.2.0.11"),
  { ...attachment(100, 34, "10.2.0.20"), mac: oddHere },
  { ...attachment(100, 35, "10.2.7.7"), limits: { send: { rate: 8_000, burst: 800 } } },
  attachment(200, 40, "10.3.0.10"),
  { ...attachment(200, 41, "10.3.0.11"), limits: { receive: { rate: 8_000, burst: 800 } } },
];

export const state: SwitchState = {
  networks: [
    {
      vni: 100,
      subnet: prefix("10.2.0.0/16"),
      subnet6,
      gateway: ip("10.2.0.1"),
      blockLength: 26,
      port: { ofport: 20, address: ip("10.2.0.2") },
      leases: [prefix("10.2.0.0/26"), prefix("10.2.1.0/26"), prefix("10.2.7.7/32")],
      tunnel: { ofport: 1, local: ours },
      peers: { count: 4, digest: 7 },
      peerLeases: [
        { prefix: prefix("10.2.0.64/26"), vtep: peers[0] },
        { prefix: prefix("10.2.0.128/26"), vtep: peers[1] },
        { prefix: prefix("10.2.9.7/32"), vtep: peers[1], mac: oddThere },
        { prefix: prefix("10.2.9.8/32"), vtep: peers[0] },
        { prefix: prefix("10.2.3.0/26"), vtep: peer6 },
      ],
    },
    {
      vni: 200,
      subnet: prefix("10.3.0.0/24"),
      subnet6: undefined,
      // In a peer's block.
      gateway: ip("10.3.0.1"),
      blockLength: 30,
      port: { ofport: 21, address: ip("10.3.0.9") },
      leases: [prefix("10.3.0.8/30")],
      allowed: ["web"],
      tunnel: { ofport: 1, local: ours },
      peers: { count: 1, digest: 9 },
      peerLeases: [{ prefix: prefix("10.3.0.0/30"), vtep: peers[0] }],
    },
  ],
  attachments,
};
