/** Reads the facts of this machine: each part by itself, so that one that fails hides no other. */
import { loadNodeConfig, nodeConfigPath } from "../attach/node.ts";
import { asFailure } from "../errors.ts";
import { vxlanPort } from "../net/vxlan.ts";
import type { NodeConfig } from "../node-config.ts";
import { look, lookAfter, valueOr } from "../survey/known.ts";
import { refusedWith } from "../sys/errno.ts";
import type { Filter } from "../sys/nft.ts";
import type { FirewallFacts, LocalFacts, NodeFacts, NodeJsonFacts, RightsFacts } from "./facts.ts";
import { readBin, readListFiles } from "./read-files.ts";
import { readKernel } from "./read-kernel.ts";
import { readNode } from "./read-node.ts";
import type { DoctorWorld } from "./world.ts";

export async function readFacts(world: DoctorWorld): Promise<LocalFacts> {
  const { nodeJson, config } = readNodeJson(world);
  const lists = readListFiles(world);
  const filter = await lookAfter(() => world.openFilter());
  try {
    const [bin, node] = await Promise.all([
      readBin(world, lists),
      config === undefined ? undefined : readNode(world, config, filter),
    ]);
    const rights = rightsOf(world.readFile("/proc/self/status") ?? "");
    const firewall = filter.known ? look(() => firewallOf(filter.value, node)) : filter;
    const kernel = readKernel(world, node?.links.keys() ?? []);
    return { rights, kernel, firewall, nodeJson, bin, lists, node };
  } finally {
    if (filter.known) filter.value.close();
  }
}

const firewallOf = (filter: Filter, node: NodeFacts | undefined): FirewallFacts => ({
  dropsForwarded: filter.foreignDrop(),
  dropsTunnel: filter.foreignPortDrop(vxlanPort, familyOf(node)),
});

const familyOf = (node: NodeFacts | undefined): 4 | 6 =>
  (node && valueOr(node.survey.self.vtep, undefined)?.family) ?? 4;

function readNodeJson(world: DoctorWorld): {
  readonly nodeJson: NodeJsonFacts;
  readonly config: NodeConfig | undefined;
} {
  const path = nodeConfigPath(world, world.chosen);
  try {
    const config = loadNodeConfig(world, world.chosen, undefined);
    const state = world.readFile(path) === undefined ? "absent" : "read";
    return { nodeJson: { path, state }, config };
  } catch (thrown) {
    if (refusedWith(thrown, "EACCES", "EPERM")) {
      return { nodeJson: { path, state: "hidden" }, config: undefined };
    }
    const { message: why, details: todo } = asFailure(thrown);
    return { nodeJson: { path, state: "faulty", why, todo }, config: undefined };
  }
}

/** Of capabilities(7), by their numbers. */
const needed = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/** Pure: what proc_pid_status(5) says of us. */
export function rightsOf(status: string): RightsFacts {
  const user = Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? 0);
  const capabilities = BigInt(`0x${/^CapEff:\t([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const lacking = Object.entries(needed)
    .filter(([, bit]) => ((capabilities >> BigInt(bit)) & 1n) === 0n)
    .map(([name]) => name);
  return { user, lacking };
}
