/** Answers the shells' scripts, from what this machine knows. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { commandDeadline, loadNodeConfig, openNode } from "../attach/node.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { knownNames } from "../ipam/known-names.ts";
import { listNetworks } from "../ipam/networks.ts";
import { listRuns } from "../run/record.ts";
import type { Entry } from "./command.ts";
import { complete, formatCompletion, type Named } from "./complete.ts";
import { nameOf } from "./containers.ts";
import type { CliWorld } from "./world.ts";

/** The first word of a script's question; those of the line, up to the one to complete, follow. */
export const completing = "__complete";

/** What can't be read is no name: an error would stand in the line that is being typed. */
export async function completeHere(
  world: CliWorld,
  words: readonly string[],
  entries: readonly Entry[],
): Promise<void> {
  const at = words.indexOf("--config");
  const config = at < 0 ? undefined : words[at + 1];
  const names = async (what: Named) => {
    try {
      return [...(await namesHere(world, config, what))].sort();
    } catch {
      return [];
    }
  };
  world.terminal.stdout(formatCompletion(await complete(words, entries, names)));
}

async function namesHere(
  world: CliWorld,
  config: string | undefined,
  what: Named,
): Promise<readonly string[]> {
  const host = openNode(world, loadNodeConfig(world, config, undefined));
  try {
    if (what === "run") return listRuns(host).map(({ name }) => name);
    if (what === "container") return containersHere(host, ({ id }) => id.containerId);
    if (what === "interface") {
      const { candidatesOf } = await import("../cluster/interface.ts");
      return candidatesOf(host.links(), host.config.ovs.bridge).map(({ link }) => link);
    }
    if (what === "party") return [...containersHere(host, nameOf), ...knownNames(host.run).nodes];
    return what === "node" ? knownNames(host.run).nodes : await networksHere(host);
  } finally {
    host.close();
  }
}

/** Runs among them. */
function containersHere({ ipam }: Host, called: (one: Assignment) => string): readonly string[] {
  // No CNI name begins with "@": what does is the node's own address in the network.
  const theirs = listAssignments(ipam.dirs).filter(({ id }) => !id.name.startsWith("@"));
  return [...new Set(theirs.map(called))];
}

/** The embedded store is here; etcd may be far away. */
async function networksHere(host: Host): Promise<readonly string[]> {
  if (host.config.store.type === "file") {
    const all = await listNetworks(await host.ipam.registry(), commandDeadline(host.clock));
    return all.map(({ network }) => network.name);
  }
  const { networks } = knownNames(host.run);
  return [...new Set([...networks, ...host.ipam.dirs.networks.list()])];
}
