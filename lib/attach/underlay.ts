/** The underlay's MTU, and what VXLAN leaves of it. */
import { Failure } from "../errors.ts";
import type { Kernel, Link } from "../sys/kernel.ts";
import type { Host } from "./host.ts";

/**
 * What VXLAN adds to a frame, bytes: outer IP header, UDP (8), VXLAN (8), and the inner frame's
 * Ethernet header (14), which counts against the underlay's MTU (RFC 7348, section 4.3).
 */
const overhead = { 4: 20 + 8 + 8 + 14, 6: 40 + 8 + 8 + 14 } as const;

/** Where nothing is known of the underlay: Ethernet's. */
const ethernetMtu = 1500;

/** The MTU of the node's networks, bytes: the underlay's, less what VXLAN adds. */
export function underlayMtu(host: Pick<Host, "kernel" | "links" | "config">): number {
  const { vtep } = host.config;
  const family = vtep.by === "address" ? vtep.address.family : 4;
  const link = underlayLink(host);
  return (link?.mtu ?? ethernetMtu) - overhead[family];
}

function underlayLink(host: {
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
        { details: 'Correct "vtep" in node.json.' },
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
