/**
 * Whether frames for other nodes can leave this machine, and what to type where they could not.
 *
 * A cluster whose tunnels are deaf looks well in every other way, so it isn't made.
 */
import type { Host } from "../attach/host.ts";
import { underlayFault } from "../attach/tunnel.ts";
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import type { LinkAddress, Route } from "../sys/kernel.ts";

/** Throws Failure "invalid-config", with the commands to type, where VXLAN could not leave by it. */
export function refuseDeaf(host: Host, action: string, link: string, deadline: Deadline): void {
  if (underlayFault(host, link, deadline) === undefined) return;
  const links = host.links();
  const found = links.get(link);
  const addresses = found ? links.addresses(found.index).filter(isGlobal) : [];
  const ways = links
    .routes()
    .filter((route) => route.to === undefined && route.index === found?.index);
  throw new Failure(
    "invalid-config",
    `Cannot ${action}: VXLAN could not leave by link "${link}", which is on no Open vSwitch bridge`,
    {
      details: [
        "Open vSwitch runs without its kernel module here, and then sends VXLAN through its bridges only.",
        "Load it (modprobe openvswitch) where the kernel has it. Or move the address to a bridge that holds",
        "the link; from a console, as the machine is away for a moment:",
        ...remedy(link, addresses, ways).map((line) => `  ${line}`),
        "The machine's own network configuration must say the same, or it is undone at its next start.",
        "With --force it goes on all the same: containers then reach none on other machines.",
      ].join("\n"),
    },
  );
}

/** The bridge that holds the link afterwards. */
const bridge = "br-phy";

/** Pure: what to type. */
export function remedy(
  link: string,
  addresses: readonly LinkAddress[],
  defaultRoutes: readonly Route[],
): readonly string[] {
  return [
    `ovs-vsctl add-br ${bridge} -- set bridge ${bridge} datapath_type=netdev -- add-port ${bridge} ${link}`,
    [
      `ip address flush dev ${link}`,
      ...addresses.map((one) => `ip address add ${formatAddress(one)} dev ${bridge}`),
      `ip link set ${bridge} up`,
    ].join(" && "),
    // They went with the address.
    ...defaultRoutes.flatMap(({ via, family }) => {
      if (via === undefined) return [];
      const gateway = family === 4 ? formatIp4(via as never) : formatIp6(via as never);
      return [`ip ${family === 6 ? "-6 " : ""}route add default via ${gateway} dev ${bridge}`];
    }),
  ];
}

const formatAddress = (one: LinkAddress): string =>
  `${one.family === 4 ? formatIp4(one.address) : formatIp6(one.address)}/${one.length}`;

/** The bridge has a link-local address of its own. */
const isGlobal = (one: LinkAddress): boolean => one.family === 4 || one.address >> 118n !== 0x3fan;
