/**
 * What both executables begin with: socketplane and socketplane-ipam are one file under two names.
 *
 * What is not needed is not loaded: VERSION is asked of every plugin, again and again, and is
 * answered here.
 */
import { printAndLeave, probeStdin } from "#probe";
import { versionAnswer } from "../lib/cni/versions.ts";

/** Milliseconds that VERSION waits for who asks to say in which version. */
const patience = 250;

/** Answers VERSION and leaves; with anything else to do it comes back. */
export async function answerVersion(): Promise<void> {
  if (process.env.CNI_COMMAND !== "VERSION") return;
  printAndLeave(versionAnswer(await probeStdin(patience)));
}
