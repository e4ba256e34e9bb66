/**
 * A process of a node that gives addresses and takes them back, or that gives back blocks: node
 * give-back-race.ts <plan as JSON>. What it has at its end it leaves, and writes how much it did.
 */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { deadlineIn } from "../../../lib/deadline.ts";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { readLeases } from "../../../lib/ipam/leases.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { release } from "../../../lib/ipam/release.ts";
import { claimAhead, giveBack } from "../../../lib/ipam/spare.ts";
import { formatIp4, type Ip4 } from "../../../lib/net/ip4.ts";
import { contains4 } from "../../../lib/net/prefix.ts";
import type { StoreConfig } from "../../../lib/node-config.ts";
import { seeded } from "../random.ts";
import { labOn, specOf } from "./lab.ts";
import { openStoreOf } from "./stores.ts";

export interface GiveBackPlan {
  readonly store: StoreConfig;
  /** Of the node: several processes have it. */
  readonly path: string;
  readonly node: string;
  readonly vtep: string;
  readonly does: "containers" | "blocks";
  /** Of containers; or how many processes to wait for. */
  readonly rounds: number;
  readonly seed: number;
}

const plan = JSON.parse(process.argv[2] ?? "") as GiveBackPlan;
const store = openStoreOf(plan.store);
const { ipam, dirs, registry } = labOn(
  plan,
  store,
  plan.store.type === "etcd" ? plan.store.prefix : "",
);
const deadline = deadlineIn(() => performance.now(), 60_000);
const spec = specOf("10.9.0.0/24", { blockLength: 29 });
const random = seeded(plan.seed);
const wanted = { name: "web", spec };
let done = 0;

if (plan.does === "blocks") await giveBlocks();
else await runContainers();
writeSync(1, `${done}\n`);
await store.close();
process.exit(0);

/** Comes and goes in waves: at the height of one, more than a block holds. */
async function runContainers(): Promise<void> {
  const living: string[] = [];
  let height = 10;
  for (let round = 0; round < plan.rounds; round += 1) {
    if (living.length < height) {
      const containerId = `${plan.seed}-${round}`;
      const id = { name: "web", containerId, ifname: "eth0" };
      const held = await holdNetwork(ipam, wanted, deadline);
      const wish = { id, port: "none", workload: {}, spec } as const;
      const { assignment } = await assignAddress(ipam, held, wish, deadline);
      await confirmLeased(assignment.address);
      living.push(containerId);
    } else {
      const containerId = living.splice(random.below(living.length), 1)[0] ?? "";
      release(dirs, { name: "web", containerId, ifname: "eth0" });
      height = living.length === 0 ? 10 : living.length;
    }
    done += 1;
  }
  ipam.run.create(`ended-${plan.seed}`, "");
}

/** As long as an address is given, its lease is this node's. */
async function confirmLeased(address: Ip4): Promise<void> {
  const leases = await readLeases(registry, "web", deadline);
  const lease = leases.find(({ prefix }) => contains4(prefix, address));
  if (lease?.node !== plan.node) throw new Error(`${formatIp4(address)} is ${lease?.node}'s`);
}

/** As long as the others run. */
async function giveBlocks(): Promise<void> {
  const ended = () => ipam.run.list().filter((name) => name.startsWith("ended-")).length;
  while (ended() < plan.rounds) {
    done += (await giveBack(ipam, "web", deadline)).length;
    if (random.below(5) === 0) await claimAhead(ipam, "web", deadline);
    await pause(1);
  }
}
