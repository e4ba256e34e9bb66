/** What is judged of the way to other nodes, as far as it is on this machine. See doctor.ts. */
import { gatewayLinkName } from "../attach/names.ts";
import {
  broken,
  type Check,
  inCluster,
  notKnown,
  ofNode,
  ok,
  type Verdict,
  valueIn,
  warning,
} from "./check.ts";

const bridged: Check = {
  id: "underlay.bridged",
  asks: "With the userspace datapath: whether the link that has the VTEP is an Open vSwitch bridge, by which alone VXLAN leaves.",
  remedy:
    "Put the network interface into a bridge of Open vSwitch, and its address on that: README.md has the commands, where it tells of the userspace datapath.",
  applies: inCluster,
  needs: ["switch.database", "node.vtep"],
  without: "VXLAN can't leave this machine",
  judge: ofNode(({ survey, underlayFault, datapath }) => {
    if (!underlayFault.known) return notKnown(underlayFault);
    const link = valueIn(survey.self.underlay)?.name;
    const fault = underlayFault.value;
    if (fault === undefined) {
      return [
        ok(
          datapath === "netdev"
            ? `link "${link}" is a bridge of Open vSwitch`
            : "not needed: the kernel's datapath sends it",
        ),
      ];
    }
    const todo = [
      `ovs-vsctl --may-exist add-br br-phy -- set bridge br-phy datapath_type=netdev -- --may-exist add-port br-phy ${link}`,
      `then move ${link}'s addresses and routes to br-phy, and set "vtep": { "interface": "br-phy" } in node.json`,
    ].join("\n");
    return [broken({ seen: fault, todo })];
  }),
};

const mtu: Check = {
  id: "underlay.mtu",
  asks: "Whether the networks' MTU on this node leaves room for what VXLAN adds: 50 bytes (IPv6: 70) less than the underlay's.",
  remedy:
    "Raise the underlay's MTU (`ip link set dev LINK mtu N`, and where it is configured); or delete the network and create it with a smaller `--mtu`. Containers keep theirs until they are made again.",
  applies: inCluster,
  needs: ["node.vtep"],
  judge: ofNode(({ survey: { self }, networks, links }) => {
    if (networks.length === 0) return [];
    if (!self.mtu.known) return notKnown(self.mtu);
    const room = self.mtu.value;
    const link = valueIn(self.underlay);
    const tooLarge = networks.flatMap(({ held }): readonly Verdict[] => {
      const { name } = held.stored.network;
      const own = links.get(gatewayLinkName(name))?.mtu ?? 0;
      if (own <= room) return [];
      const need = own - room + (link?.mtu ?? 0);
      return [
        broken({
          subject: `network "${name}"`,
          seen: `its MTU here is ${own}, and link "${link?.name}" with ${link?.mtu} leaves ${room}: large frames are lost`,
          todo: `ip link set dev ${link?.name} mtu ${need}`,
        }),
      ];
    });
    return tooLarge.length > 0
      ? tooLarge
      : [ok(`${room} for containers, of ${link?.mtu ?? "unknown"}`)];
  }),
};

const dropsForwarded: Check = {
  id: "firewall.forwarding",
  asks: "Whether somebody else's firewall (Docker's, firewalld's) drops what is forwarded, which ours can't overrule.",
  remedy: "Have it accept what comes from links `sp-*`, and what goes to them.",
  needs: ["files.node-json"],
  judge: ofNode(({ networks }, { firewall }) => {
    if (!firewall.known) return notKnown(firewall);
    const chain = firewall.value.dropsForwarded;
    if (chain === undefined) return [ok("nobody else drops what is forwarded")];
    if (networks.length === 0)
      return [ok(`nothing to forward yet; chain "${chain}" has to accept it once there is`)];
    const seen = `chain "${chain}" drops what is forwarded, unless a rule of its own accepts it`;
    const todo = acceptIn(chain);
    return [warning({ seen, todo })];
  }),
};

/** By the tool that made the chain: iptables' are known by their names. */
function acceptIn(chain: string): string {
  const [family, table, name = ""] = chain.split(" ");
  const isIptables = table === "filter" && name === "FORWARD";
  if (!isIptables) return 'Have it accept what comes from links "sp-*", and what goes to them';
  const program = family === "ip6" ? "ip6tables" : "iptables";
  return `${program} -I FORWARD -i sp-+ -j ACCEPT\n${program} -I FORWARD -o sp-+ -j ACCEPT`;
}

const dropsTunnel: Check = {
  id: "firewall.tunnel",
  asks: "Whether a firewall on this machine drops VXLAN (UDP port 4789), as far as its rules can be read. With the userspace datapath it passes none.",
  remedy:
    "`nft insert rule ... udp dport 4789 accept`, or the firewall's own way: `firewall-cmd --add-port=4789/udp`, `ufw allow 4789/udp`.",
  applies: inCluster,
  needs: ["files.node-json"],
  judge: ofNode(({ datapath }, { firewall }) => {
    if (datapath === "netdev")
      return [ok("the userspace datapath takes VXLAN in before any firewall")];
    if (!firewall.known) return notKnown(firewall);
    const found = firewall.value.dropsTunnel;
    if (found === undefined) return [ok("nobody drops UDP port 4789")];
    const { chain, how } = found;
    const todo = `nft insert rule ${chain} udp dport 4789 accept`;
    if (how === "named")
      return [broken({ seen: `a rule of chain "${chain}" drops UDP port 4789`, todo })];
    return [
      warning({
        seen: `chain "${chain}" drops what no rule accepts, and none names UDP port 4789`,
        todo,
      }),
    ];
  }),
};

export const underlayChecks: readonly Check[] = [bridged, mtu];
export const firewallChecks: readonly Check[] = [dropsForwarded, dropsTunnel];
