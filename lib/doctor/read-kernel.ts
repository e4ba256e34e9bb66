/** What the kernel can do: tried, where nothing stays of it. See doctor.ts for the folder's note. */
import { isGatewayLink } from "../attach/names.ts";
import type { Mac } from "../net/mac.ts";
import { look } from "../survey/known.ts";
import type { Known } from "../survey/survey.ts";
import type { Kernel } from "../sys/kernel.ts";
import type { KernelFacts } from "./facts.ts";
import type { DoctorWorld } from "./world.ts";

const parameters = [
  "net/ipv4/ip_forward",
  "net/ipv6/conf/all/forwarding",
  "net/ipv4/conf/default/forwarding",
];

/** IPv4 is forwarded by what a link has of its own, IPv6 by what all have (ip-sysctl). */
export const forwardingOf = (link: string): string => `net/ipv4/conf/${link}/forwarding`;

export function readKernel(
  { kernel }: Pick<DoctorWorld, "kernel">,
  links: Iterable<string>,
): KernelFacts {
  const paths = [...parameters, ...[...links].filter(isGatewayLink).map(forwardingOf)];
  const sysctl = paths.map((path) => [path, kernel.readSysctl(path)?.trim()]);
  return {
    release: kernel.readSysctl("kernel/osrelease")?.trim() ?? "",
    ...tryLinks(kernel),
    ovsModule: kernel.hasGenericFamily("ovs_datapath"),
    sysctl: Object.fromEntries(sysctl.filter(([, value]) => value !== undefined)),
  };
}

/** Locally administered; nobody else is in that namespace. */
const mac = 0x0200_0000_0001 as Mac;

/** A namespace of its own, which goes with its descriptor and takes the pair along. */
function tryLinks(kernel: Kernel): Record<"netns" | "veth", Known<true>> {
  const made = look(() => kernel.createNetns());
  if (!made.known) return { netns: made, veth: made };
  const netns = made.value;
  const veth = look((): true => {
    const links = kernel.links(netns);
    try {
      const outer = { name: "outer", mtu: 1500, up: false, noArp: false, noIp6Addresses: false };
      const inner = { name: "inner", mtu: 1500, mac, netns };
      links.apply([{ do: "create veth", outer, inner }]);
      return true;
    } finally {
      links.close();
    }
  });
  kernel.closeNetns(netns);
  return { netns: { known: true, value: true }, veth };
}
