/**
 * Which link of this machine the cluster's traffic goes by: pure. Taken at once and said, never
 * waited for.
 */
import { isGatewayLink, isOuterLink, tunnelName } from "../attach/names.ts";
import { farAddresses } from "../attach/underlay.ts";
import { Failure } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Link, Links } from "../sys/kernel.ts";

/** A link of this machine, as far as the choice goes by it. */
export interface Candidate {
  readonly link: string;
  /** By which other machines may reach it, IPv4 first; empty for none. */
  readonly addresses: readonly VtepAddress[];
  readonly up: boolean;
  /** It has a default route. */
  readonly leadsOut: boolean;
  /** A bridge, tunnel or veth, as container engines make them; a switch's own port is not meant. */
  readonly virtual: boolean;
}

export interface ChosenInterface {
  readonly link: string;
  readonly address: VtepAddress;
  /** "it has the default route" */
  readonly why: string;
  /** Those that were possible too. */
  readonly others: readonly string[];
}

/** Which it is: `asked` by name, else the best of those that are up and have an address. */
export function chooseInterface(
  candidates: readonly Candidate[],
  asked: { readonly link: string; readonly by: string } | undefined,
): ChosenInterface {
  if (asked !== undefined) return askedFor(candidates, asked);
  const usable = candidates.filter(({ up, addresses }) => up && addresses.length > 0);
  const [best] = [...usable].sort((a, b) => rank(a) - rank(b));
  const address = best?.addresses[0];
  if (best === undefined || address === undefined) {
    throw new Failure(
      "invalid-config",
      "Cannot choose an interface: none is up and has an address that other machines reach",
      { details: `${listed(candidates)}\nGive one an address, or name one: --interface NAME` },
    );
  }
  const others = usable.map(({ link }) => link).filter((link) => link !== best.link);
  return { link: best.link, address, why: whyOf(best, others), others };
}

function askedFor(
  candidates: readonly Candidate[],
  { link, by }: { readonly link: string; readonly by: string },
): ChosenInterface {
  const found = candidates.find((one) => one.link === link);
  const address = found?.addresses[0];
  if (found?.up === true && address !== undefined) {
    return { link, address, why: `${by} names it`, others: [] };
  }
  const state =
    link === "lo"
      ? "no other machine reaches this one by its loopback"
      : found === undefined
        ? "there is no such link"
        : found.up
          ? "it has no address that other machines reach"
          : "it is down";
  throw new Failure("invalid-config", `Cannot use interface "${link}": ${state}`, {
    details: `${by[0]?.toUpperCase()}${by.slice(1)} names it.\n${listed(candidates)}`,
  });
}

/** The lower, the better: the kernel's order decides among equals. */
const rank = ({ leadsOut, virtual }: Candidate): number => (leadsOut ? 0 : virtual ? 2 : 1);

function whyOf(best: Candidate, others: readonly string[]): string {
  if (best.leadsOut) return "it has the default route";
  if (others.length === 0) return "no other is up and has an address";
  return best.virtual
    ? "it is the first with an address"
    : "it is the first with an address that no container engine makes";
}

function listed(candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return "This machine has no link but its loopback.";
  const told = candidates.map(({ link, addresses, up }) => {
    const has = addresses.length > 0 ? addresses.map(formatVtep).join(", ") : "no address";
    return `${link} (${up ? "" : "down, "}${has})`;
  });
  return `There are: ${told.join("; ")}`;
}

const virtualKinds = ["bridge", "veth", "vxlan", "geneve", "gre", "dummy", "macvlan", "ipvlan"];

/** The links that come into question; `ours` is the name of our own bridge. */
export function candidatesOf(
  links: Pick<Links, "list" | "routes" | "addresses">,
  ours: string,
): readonly Candidate[] {
  const routes = links.routes().filter(({ to }) => to === undefined);
  return links
    .list()
    .filter(({ name }) => name !== "lo" && name !== ours && !isOurs(name))
    .map((link: Link) => ({
      link: link.name,
      addresses: farAddresses(links.addresses(link.index)),
      up: link.up,
      leadsOut: routes.some(({ index }) => index === link.index),
      virtual: virtualKinds.includes(link.kind ?? ""),
    }));
}

/** A link that each Open vSwitch with a userspace datapath has. */
const switchLink = "ovs-netdev";

/** Ours, and the switch's own. */
const isOurs = (name: string): boolean =>
  isGatewayLink(name) || isOuterLink(name) || name === tunnelName || name === switchLink;
