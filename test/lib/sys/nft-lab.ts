/** Namespaces of a test's own, and the filter in one of them. */
import { openFfi } from "#ffi";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { inside, openNetns } from "../../../lib/sys/netns.ts";
import type { Filter, FilterNetwork } from "../../../lib/sys/nft.ts";
import { openFilter } from "../../../lib/sys/nft-driver.ts";
import { openCleanup, ownName } from "../../lab/cleanup.ts";
import { removeNetns } from "../../lab/node.ts";
import { ip, must } from "../../lab/run.ts";

const ffi = openFfi();
let serial = 0;

export interface NftLab {
  /** Makes a namespace with its loopback up; gives its name. */
  readonly addNetns: (label: string) => string;
  /** The filter of a namespace. */
  readonly openFilter: (netns: string) => Filter;
  readonly close: () => Promise<void>;
}

export function openNftLab(): NftLab {
  const cleanup = openCleanup();
  return {
    addNetns: (label) => {
      serial += 1;
      const name = ownName(serial, label);
      ip("netns", "add", name);
      cleanup.add(() => removeNetns(name));
      ip("-n", name, "link", "set", "lo", "up");
      return name;
    },
    openFilter: (netns) => {
      const filter = insideOf(netns, () => openFilter(ffi));
      cleanup.add(filter.close);
      return filter;
    },
    close: cleanup.run,
  };
}

/** Acts inside a namespace. */
export function insideOf<T>(name: string, act: () => T): T {
  const netns = openNetns(ffi, `/run/netns/${name}`);
  if (netns === undefined) throw new Error(`there is no namespace ${name}`);
  try {
    return inside(ffi, netns, act);
  } finally {
    ffi.call("close", netns.fd);
  }
}

/** Runs nft(8) in a namespace; gives its output. */
export const nft = (netns: string, ...argv: readonly string[]): Promise<string> =>
  must({ netns, argv: ["nft", ...argv] });

/** Loads rules written in nft's own language. */
export const loadRules = (netns: string, rules: string): Promise<string> =>
  must({ netns, argv: ["nft", "-f", "-"], stdin: rules });

export function network(
  name: string,
  subnet: string,
  more: {
    subnet6?: string;
    masquerade?: boolean;
    local?: readonly string[];
    /** Names of networks that it may send to. */
    allowed?: readonly string[];
  } = {},
): FilterNetwork {
  const parsed = parsePrefix4(subnet);
  const parsed6 = more.subnet6 === undefined ? undefined : parsePrefix6(more.subnet6);
  if (parsed === undefined || (more.subnet6 !== undefined && parsed6 === undefined)) {
    throw new Error(`not a prefix: ${subnet} ${more.subnet6}`);
  }
  const masquerade = more.masquerade ?? true;
  const local = (more.local ?? []).map(parsePrefix4).filter((prefix) => prefix !== undefined);
  const allowed = (more.allowed ?? []).map((one) => `sp-${one}`);
  return { link: `sp-${name}`, subnet: parsed, subnet6: parsed6, local, masquerade, allowed };
}
