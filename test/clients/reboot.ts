/** A machine's reboot, for the programs in it. See ../lab/reboot.ts for the node's. */
import { bootIdFile, earlierBootId, reboot } from "../lab/reboot.ts";
import { removeCgroups } from "./cgroups.ts";
import type { Machine } from "./machine.ts";

/** From now on all that starts in it is of the boot before. */
export async function beginEarlierBoot({ write, must }: Machine): Promise<void> {
  write("/run/boot_id", `${earlierBootId}\n`);
  await must(["mount", "--bind", "/run/boot_id", bootIdFile]);
}

/** What is kept there stands for a disk: see containerd.ts, podman.ts and machine.ts. */
const disks = ["lib", "layers"];

/** All processes end, and what is not on a disk is gone, namespaces too. */
const endAll = `kill -KILL -1
umount ${bootIdFile}
cut -d' ' -f2 /proc/self/mounts | grep ^/run/ | sort -r | while read -r place; do
  umount --lazy "$place"
done
find /run /dev/shm -mindepth 1 -maxdepth 1 ${disks.map((name) => `! -name ${name}`).join(" ")} \\
  -exec rm -rf {} +`;

/** Who runs in it has to be started again. */
export async function rebootMachine(
  machine: Machine,
  runDirectory: "emptied" | "kept",
): Promise<void> {
  await machine.must(["sh", "-c", endAll]);
  await removeCgroups(machine.node.netns);
  await reboot(machine.node, runDirectory);
}
