/**
 * A flow as text, the way `ovs-ofctl --no-stats dump-flows` prints it: for people, golden tests
 * and comparison. Sources: ovs-fields(7), ovs-actions(7).
 */
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6, type Ip6 } from "../net/ip6.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import { type Action, type Flow, localPort, type Masked, type Match, type Ofport } from "./flow.ts";
import { type Field, fields, type Uint, unmask } from "./oxm.ts";

/** OFP_DEFAULT_PRIORITY: ovs-ofctl leaves it out. */
const defaultPriority = 0x8000;

/** One line without its line break. Cookie 0 and table 0 are left out, as ovs-ofctl does. */
export function formatFlow(flow: Flow): string {
  const head = [
    ...(flow.cookie === 0n ? [] : [`cookie=0x${flow.cookie.toString(16)}, `]),
    ...(flow.table === 0 ? [] : [`table=${flow.table}, `]),
  ].join("");
  const priority = flow.priority === defaultPriority ? [] : [`priority=${flow.priority}`];
  const match = [...priority, ...partsOf(flow.match)].join(",");
  const actions = flow.actions.map(formatAction).join(",");
  const foreign = flow.foreign?.map((one) => ` foreign(${one})`).join("") ?? "";
  return `${head}${match}${match === "" ? "" : " "}actions=${actions || "drop"}${foreign}`;
}

/**
 * A text that flows have in common which are the same to the switch, and no others: for comparing
 * thousands of them, of which formatFlow would take a multiple of the time.
 */
export function flowKey({ cookie, table, priority, match, actions, foreign }: Flow): string {
  let key = `${cookie} ${table} ${priority}`;
  for (const name of matchNames) {
    const value = match[name];
    if (value === undefined) continue;
    if (typeof value !== "object") {
      key += ` ${name}=${value}`;
      continue;
    }
    const { exact, mask } = unmask<Uint>(value, fields[name]);
    if (mask !== "none") key += ` ${name}=${mask === "all" ? exact : `${exact}/${mask}`}`;
  }
  for (const action of actions) key += ` ${formatAction(action)}`;
  return foreign === undefined ? key : `${key} ${foreign.join(" ")}`;
}

const matchNames = Object.keys(fields) as readonly (keyof Match)[];

/** As ovs-ofctl prints it, without the priority. */
export const formatMatch = (match: Match): string => partsOf(match).join(",");

/** In the order in which ovs-ofctl prints them. */
function partsOf(match: Match): readonly string[] {
  const { ethType } = match;
  const over6 = ethType === "ipv6";
  const protocol = protocolOf(match);
  return [
    protocol ?? ethType,
    plain("reg0", match.reg0, hex),
    plain("reg1", match.reg1, hex),
    plain("tun_id", match.tunnelId, hex),
    plain("tun_src", match.tunnelSrc, formatIp4),
    plain("tun_ipv6_src", match.tunnelSrc6, formatIp6),
    plain("in_port", match.inPort, formatPort),
    match.vlan === undefined ? undefined : "vlan_tci=0x0000/0x1fff",
    masked("dl_src", match.ethSrc, fields.ethSrc, formatMac),
    masked("dl_dst", match.ethDst, fields.ethDst, formatMac),
    masked("ipv6_src", match.ip6Src, fields.ip6Src, formatIp6, prefixLength),
    masked("ipv6_dst", match.ip6Dst, fields.ip6Dst, formatIp6, prefixLength),
    masked("arp_spa", match.arpSpa, fields.arpSpa, formatIp4, prefixLength),
    masked("arp_tpa", match.arpTpa, fields.arpTpa, formatIp4, prefixLength),
    masked("nw_src", match.ipSrc, fields.ipSrc, formatIp4, prefixLength),
    masked("nw_dst", match.ipDst, fields.ipDst, formatIp4, prefixLength),
    protocol === undefined ? plain("nw_proto", match.ipProto, String) : undefined,
    plain("arp_op", match.arpOp, String),
    masked("arp_sha", match.arpSha, fields.arpSha, formatMac),
    plain(over6 ? "icmp_type" : "icmpv6_type", match.icmp6Type, String),
    masked("nd_target", match.ndTarget, fields.ndTarget, formatIp6, prefixLength),
    plain("nd_sll", match.ndSll, formatMac),
    plain("nd_tll", match.ndTll, formatMac),
  ].filter((part) => part !== undefined);
}

const protocols: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** "tcp6" stands for EtherType and protocol together; undefined for one without a short name. */
function protocolOf({ ethType, ipProto }: Match): string | undefined {
  if (ipProto === undefined) return undefined;
  const name = protocols[ipProto];
  if (ethType === "ip") return ipProto === 1 ? "icmp" : name;
  if (ethType === "ipv6") return ipProto === 58 ? "icmp6" : name && `${name}6`;
  return undefined;
}

function plain<T>(
  name: string,
  value: T | undefined,
  format: (value: T) => string,
): string | undefined {
  return value === undefined ? undefined : `${name}=${format(value)}`;
}

function masked<T extends Uint>(
  name: string,
  value: Masked<T> | undefined,
  field: Field,
  format: (value: T) => string,
  lengthOf: (mask: T, field: Field) => number | undefined = () => undefined,
): string | undefined {
  if (value === undefined) return undefined;
  const { exact, mask } = unmask(value, field);
  if (mask === "none") return undefined;
  if (mask === "all") return `${name}=${format(exact)}`;
  return `${name}=${format(exact)}/${lengthOf(mask, field) ?? format(mask)}`;
}

/** The length of a mask that is ones and then zeros. */
function prefixLength(mask: Ip4 | Ip6, { width }: Field): number | undefined {
  const zeros = (1n << BigInt(8 * width)) - 1n - BigInt(mask);
  const bits = zeros === 0n ? 0 : zeros.toString(2).length;
  return zeros === (1n << BigInt(bits)) - 1n ? 8 * width - bits : undefined;
}

export function formatAction(action: Action): string {
  switch (action.do) {
    case "output":
      return action.port === localPort ? "LOCAL" : `output:${action.port}`;
    case "output in_port":
      return "IN_PORT";
    case "set reg0":
      return `set_field:${hex(action.value)}->reg0`;
    case "set reg1":
      return `set_field:${hex(action.value)}->reg1`;
    case "set eth_dst":
      return `set_field:${formatMaskedMac(action.mac, fields.ethDst)}->eth_dst`;
    case "set eth_src":
      return `set_field:${formatMaskedMac(action.mac, fields.ethSrc)}->eth_src`;
    case "set tunnel id":
      return `set_field:${hex(action.vni)}->tun_id`;
    case "set tunnel dst":
      return `set_field:${formatIp4(action.address)}->tun_dst`;
    case "set tunnel dst6":
      return `set_field:${formatIp6(action.address)}->tun_ipv6_dst`;
    case "copy to eth_dst":
      return `move:${copySources[action.from]}->NXM_OF_ETH_DST[0..31]`;
    case "meter":
      return `meter:${action.id}`;
    case "goto":
      return `goto_table:${action.table}`;
  }
}

/** ovs-ofctl prints copy_field by its old name, and by the old names of the fields. */
const copySources = {
  arp_tpa: "NXM_OF_ARP_TPA[]",
  nd_target: "NXM_NX_ND_TARGET[0..31]",
} as const;

function formatMaskedMac(mac: Masked<Mac>, field: Field): string {
  const { exact, mask } = unmask(mac, field);
  return typeof mask === "string" ? formatMac(exact) : `${formatMac(exact)}/${formatMac(mask)}`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

const formatPort = (port: Ofport): string => (port === localPort ? "LOCAL" : String(port));
