/** What has time: sweeps, blocks in reserve, the mirror. Each is done though another failed. */
import { sayWhoDrops } from "../attach/firewall.ts";
import { sweepGone } from "../attach/sweep.ts";
import type { Deadline } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import { heldNow } from "../ipam/held.ts";
import { confirmStore } from "../ipam/known-store.ts";
import { claimAhead, giveBack } from "../ipam/spare.ts";
import { mirror } from "./mirror.ts";
import type { Here } from "./situation.ts";

/** "attachments": containers have come or gone; "minute": all of it. */
export async function upkeep(
  here: Here,
  how: "attachments" | "minute",
  deadline: Deadline,
): Promise<void> {
  const { host, metrics, health } = here;
  const { ipam } = host;
  const step = async (what: string, act: () => Promise<void> | void) => {
    if (here.signal.aborted) return;
    try {
      await act();
    } catch (thrown) {
      const { message } = asFailure(thrown);
      metrics.count("socketplane_failures_total", { what });
      host.log.warn(`cannot ${what}`, { reason: message });
    }
  };
  if (how === "minute") {
    await step("look at other firewalls", async () => {
      const { situation } = here;
      situation.foreignDrop = sayWhoDrops(host, await host.filter(), situation.foreignDrop);
      const isThere = situation.foreignDrop === undefined ? 0 : 1;
      metrics.set("socketplane_forwarding_dropped_by_others", isThere);
    });
    await step("sweep", () => {
      const { length } = sweepGone(host, deadline);
      metrics.count("socketplane_swept_total", {}, length);
    });
  }
  if (!health.isWell("store")) return;
  if (how === "minute" && ipam.node().vtep !== undefined) {
    await step("confirm the store", async () => {
      await confirmStore(ipam, await ipam.registry(), deadline);
    });
  }
  for (const network of networksHere(here)) {
    await step("claim ahead", async () => {
      if ((await claimAhead(ipam, network, deadline)) !== "claimed") return;
      metrics.count("socketplane_blocks_total", { what: "claimed ahead" });
    });
    if (how === "attachments") continue;
    await step("give back", async () => {
      const { length } = await giveBack(ipam, network, deadline);
      metrics.count("socketplane_blocks_total", { what: "given back" }, length);
    });
  }
  await step("mirror", () => mirrorAll(here, deadline));
}

/** Networks whose deletion waits for their last container here are not kept up. */
function networksHere({ host, situation }: Here): readonly string[] {
  const { dirs } = host.ipam;
  return dirs.networks.list().filter((name) => {
    const held = heldNow(dirs, name);
    const isThere = situation.cluster?.networks.get(name)?.network.deleting !== true;
    return held !== undefined && isThere;
  });
}

async function mirrorAll(
  { host: { ipam }, situation, metrics }: Here,
  deadline: Deadline,
): Promise<void> {
  const { name, vtep } = ipam.node();
  const node = situation.cluster?.nodes.get(name);
  // Alone with its store, a node has nobody to show it to.
  if (vtep === undefined || node === undefined) return;
  const registry = await ipam.registry();
  const { mirrored } = situation;
  const written = await mirror(ipam, registry, { node, mirrored }, deadline);
  metrics.count("socketplane_mirrored_total", {}, written);
}
