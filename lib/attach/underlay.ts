/** The underlay's MTU, and what VXLAN leaves of it. */
import { Failure } from "../errors.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Kernel, Link, LinkAddress } from "../sys/kernel.ts";
import type { Host } from "./host.ts";

/**
 * What VXLAN adds to a frame, bytes: outer IP header, UDP (8), VXLAN (8), and the inner frame's
 * Ethernet header (14), which counts against the underlay's MTU (RFC 7348, section 4.3).
 */
const overhead = { 4: 20 + 8 + 8 + 14, 6: 40 + 8 + 8 + 14 } as const;

/** The same, of a tunnel from this VTEP. */
export const overheadOf = ({ family }: VtepAddress): number => overhead[family];

/** Where nothing is known of the underlay: Ethernet's. */
const ethernetMtu = 1500;

/** The MTU of the node's networks, bytes: the underlay's, less what VXLAN adds. */
export function underlayMtu(host: Pick<Host, "kernel" | "links" | "config">): number {
  const { vtep, store } = host.config;
  const configured = vtep.by === "address" ? vtep.address.family : 4;
  const family = store.type === "file" ? configured : vtepOf(host).family;
  const link = underlayLink(host);
  return (link?.mtu ?? ethernetMtu) - overhead[family];
}

/** 127.0.0.0/8, 169.254.0.0/16, fe80::/10 and ::1 reach no other node. */
const reachesFar = ({ family, address }: LinkAddress): boolean =>
  family === 4
    ? address >>> 24 !== 127 && address >>> 16 !== 0xa9fe
    : address >> 118n !== 0x3fan && address !== 1n;

const withoutLength = (one: LinkAddress): VtepAddress =>
  one.family === 4 ? { family: 4, address: one.address } : { family: 6, address: one.address };

/** Those of a link's addresses that other nodes may reach, IPv4 first. */
export function farAddresses(addresses: readonly LinkAddress[]): readonly VtepAddress[] {
  const far = addresses.filter(reachesFar).map(withoutLength);
  return [...far.filter(({ family }) => family === 4), ...far.filter(({ family }) => family === 6)];
}

/**
 * The address that this node's VXLAN traffic comes from and goes to: the one configured, else the
 * underlay's first that other nodes can reach, IPv4 if it has one. It is not waited for: throws
 * Failure "invalid-config" where there is none.
 */
export function vtepOf(host: Pick<Host, "kernel" | "links" | "config">): VtepAddress {
  const { vtep } = host.config;
  const link = underlayLink(host);
  if (vtep.by === "address") return vtep.address;
  const addresses = link ? host.links().addresses(link.index) : [];
  const [found] = farAddresses(addresses);
  if (found !== undefined) return found;
  const none = addresses.length > 0 ? "no address that other machines reach" : "no address";
  const state = link ? `link "${link.name}" has ${none}` : "there is no default route";
  throw new Failure("invalid-config", `Cannot find this node's VTEP address: ${state}`, {
    details: 'Set "vtep" in node.json: { "interface": "eth0" } or { "address": "192.0.2.1" }.',
  });
}

/** The link that VXLAN traffic goes by, as far as it is known. Throws like `vtepOf`. */
export const underlayLinkName = (
  host: Pick<Host, "kernel" | "links" | "config">,
): string | undefined => underlayLink(host)?.name;

const namesOf = (links: readonly Link[]): string =>
  links.map(({ name }) => `"${name}"`).join(", ") || "none";

/** The link itself, where it is known which. Throws like `vtepOf`. */
export function underlayLink(host: {
  readonly kernel: Kernel;
  readonly links: Host["links"];
  readonly config: Host["config"];
}): Link | undefined {
  const { vtep } = host.config;
  const links = host.links();
  switch (vtep.by) {
    case "interface": {
      const link = links.get(vtep.name);
      if (link !== undefined) return link;
      throw new Failure(
        "invalid-config",
        `Cannot use VTEP interface "${vtep.name}": there is no such link`,
        { details: `Correct "vtep" in node.json. There are ${namesOf(links.list())}.` },
      );
    }
    case "address": {
      const holder = links
        .list()
        .find(({ index }) =>
          links.addresses(index).some((one) => one.address === vtep.address.address),
        );
      if (holder !== undefined) return holder;
      throw new Failure("invalid-config", "Cannot use the VTEP address: no link has it", {
        details: 'Correct "vtep" in node.json.',
      });
    }
    case "default route": {
      const index = links.routes().find(({ to }) => to === undefined)?.index;
      return links.list().find((link) => link.index === index);
    }
  }
}
