/** Inside the lab's machine: ADDs with one store and the other, in turn. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTurn, openSamples, rest, time, withContainers } from "./processes.ts";

export interface AddPlan {
  readonly rounds: number;
  readonly executables: string;
  /** The run directory of the one with etcd. */
  readonly runDir: string;
  /** Paths of each store's node.json. */
  readonly configs: Readonly<Record<Store, string>>;
}

type Store = "file" | "etcd";
type What = "file" | "fresh" | "read" | "claim";

const [input = "", output = ""] = process.argv.slice(2);
const plan = JSON.parse(input) as AddPlan;
const { samples, take } = openSamples();
const subnets = { file: 10, etcd: 11 } as const;
const storeOf = (what: What): Store => (what === "file" ? "file" : "etcd");

/** Milliseconds that the kernel gets for what it still does for the one before. */
const restMs = 60;

function verb(command: "ADD" | "DEL", container: string, store: Store, args?: string) {
  const subnet = `10.${subnets[store]}.0.0/16`;
  return time(
    join(plan.executables, "socketplane"),
    { cniVersion: "1.0.0", name: store, type: "socketplane", subnet },
    {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      SOCKETPLANE_CONFIG: plan.configs[store],
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${container}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: plan.executables,
      ...(args !== undefined && { CNI_ARGS: args }),
    },
  );
}

async function once(what: What, number: number, counted: boolean): Promise<void> {
  const store = storeOf(what);
  // Of a block that the node does not hold.
  const args = what === "claim" ? `IgnoreUnknown=1;IP=10.11.${100 + number}.9` : undefined;
  if (what === "read") rmSync(join(plan.runDir, "networks", store, "cache.json"), { force: true });
  await withContainers(1, async ([container = ""]) => {
    const { ms } = await verb("ADD", container, store, args);
    if (counted) take(what, ms);
    await verb("DEL", container, store);
    await rest(restMs);
  });
}

const warmUps = 3;
for (let number = 0; number < plan.rounds + warmUps; number += 1) {
  // Reading comes first: what it has read is what is fresh afterwards.
  for (const what of ["read", ...inTurn(["file", "fresh", "claim"] as const, number)] as const) {
    await once(what, number, number >= warmUps);
  }
}
writeFileSync(output, JSON.stringify(samples));
