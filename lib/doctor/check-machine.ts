/** What is judged of the machine: rights and kernel. See doctor.ts for the folder's note. */
import { gatewayLinkName } from "../attach/names.ts";
import { broken, type Check, notKnown, ok, unknown, type Verdict, warning } from "./check.ts";
import type { Facts } from "./facts.ts";
import { forwardingOf } from "./read-kernel.ts";

const rights: Check = {
  id: "machine.rights",
  asks: "Whether this runs as root, with the capabilities that a plugin needs.",
  remedy: "`sudo socketplane doctor`. In a container: give it the capabilities that are named.",
  judge: ({ rights: { user, lacking } }) => {
    if (user !== 0) {
      const seen = `user ${user}, not root: what follows can only be seen in part`;
      return [warning({ seen, todo: "sudo socketplane doctor" })];
    }
    if (lacking.length === 0) return [ok("root")];
    const seen = `root without ${lacking.join(", ")}: networks can't be made so`;
    return [broken({ seen, todo: `Run it, and container runtimes, with ${lacking.join(", ")}` })];
  },
};

const features = [
  { of: ({ kernel }: Facts) => kernel.netns, name: "network namespaces", option: "CONFIG_NET_NS" },
  {
    of: ({ kernel }: Facts) => kernel.veth,
    name: "veth pairs",
    option: "CONFIG_VETH (module veth)",
  },
  {
    of: ({ firewall }: Facts) => firewall,
    name: "nftables",
    option: "CONFIG_NF_TABLES (module nf_tables)",
  },
] as const;

const kernel: Check = {
  id: "machine.kernel",
  asks: "Whether the kernel has network namespaces, veth pairs and nftables: each is tried.",
  remedy: "Load the module that is named, or run a kernel that has it.",
  needs: ["machine.rights"],
  judge: (facts) => {
    const { kernel, rights } = facts;
    if (rights.user !== 0) return [unknown("to try what it can takes root")];
    const tried = features.map((feature) => ({ feature, found: feature.of(facts) }));
    const missing = tried.flatMap(({ feature: { name, option }, found }): readonly Verdict[] => {
      if (found.known) return [];
      return [broken({ subject: name, seen: found.why, todo: `Give the kernel ${option}` })];
    });
    const names = features.map(({ name }) => name).join(", ");
    return missing.length > 0 ? missing : [ok(`Linux ${kernel.release}: ${names}`)];
  },
};

/** What a link has of its own counts, where the machine's is on. */
const isOff = (facts: Facts, path: string): boolean => facts.kernel.sysctl[path] === "0";

const forwarding: Check = {
  id: "machine.forwarding",
  asks: "Whether the kernel forwards between a network and the world: net.ipv4.ip_forward, what each network's own link has of it, and net.ipv6.conf.all.forwarding where a network has IPv6.",
  remedy:
    "`sysctl -w net.ipv4.ip_forward=1`, and see what switches it off: files in /etc/sysctl.d are read when the machine starts.",
  judge: (facts) => {
    const { node } = facts;
    if (node?.survey.here.known === false) return notKnown(node.survey.here);
    const standing = node?.networks ?? [];
    if (standing.length === 0) {
      return [ok("there is no network on this machine yet: the first one switches it on")];
    }
    const has6 = standing.some(({ held }) => held.stored.network.subnet6 !== undefined);
    const families = [
      { subject: "IPv4", path: "net/ipv4/ip_forward" },
      ...(has6 ? [{ subject: "IPv6", path: "net/ipv6/conf/all/forwarding" }] : []),
    ];
    const ofLinks = standing.map(({ held: { stored } }) => ({
      subject: `network "${stored.network.name}"`,
      path: forwardingOf(gatewayLinkName(stored.network.name)),
    }));
    const off = families.filter(({ path }) => isOff(facts, path));
    // Who switches it off for all does it for each link.
    const each = off.length > 0 ? off : ofLinks.filter(({ path }) => isOff(facts, path));
    if (each.length > 0) return each.map(ofForwarding);
    const later = forwardingOf("default");
    if (!isOff(facts, later))
      return [ok(`on for ${families.map(({ subject }) => subject).join(", ")}`)];
    const { name, todo } = switchingOn(later);
    return [
      warning({ seen: `${name} is 0: a network that comes from now on forwards nothing`, todo }),
    ];
  },
};

function ofForwarding({ subject, path }: { readonly subject: string; readonly path: string }) {
  const { name, todo } = switchingOn(path);
  return broken({
    subject,
    seen: `${name} is 0: containers reach nothing outside of their network`,
    todo,
  });
}

/** A link's name may have dots, which sysctl(8) then wants to be told from its own. */
function switchingOn(path: string): { readonly name: string; readonly todo: string } {
  const name = path.includes(".") ? path : path.replaceAll("/", ".");
  return { name, todo: `sysctl -w ${name}=1` };
}

export const machineChecks: readonly Check[] = [rights, kernel, forwarding];
