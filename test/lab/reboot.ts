/**
 * A node's reboot. Its boot after that is this machine's own, which all see that is not told
 * otherwise; the boot before is made up, and what is of it runs where its id is shown.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import type { LabNode } from "./node.ts";
import { must } from "./run.ts";

export const bootIdFile = "/proc/sys/kernel/random/boot_id";

/** Of the boot before. */
export const earlierBootId = "5ca1ab1e-0000-4000-8000-000000000001";

/** What a program runs under in the boot before, with its arguments. */
export function inEarlierBoot(lab: Lab): readonly string[] {
  const file = join(lab.folder, "earlier-boot");
  writeFileSync(file, `${earlierBootId}\n`);
  const show = `mount --bind "$0" ${bootIdFile} && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", show, file];
}

/**
 * Starts the node anew: its firewall is empty, its switch has no devices and its database as it
 * was. Its containers' namespaces are gone already.
 */
export async function reboot(node: LabNode, runDirectory: "emptied" | "kept"): Promise<void> {
  await node.ovs.endSwitch();
  await must({ netns: node.netns, argv: ["nft", "flush", "ruleset"] });
  if (runDirectory === "emptied") rmSync(node.runDir, { recursive: true });
  await node.ovs.startSwitch();
}
