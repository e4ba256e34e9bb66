/**
 * The entry of both executables: socketplane and socketplane-ipam are one file under two names.
 *
 * What is not needed is not loaded: VERSION is asked of every plugin, again and again, and is
 * answered here.
 */
import { printAndLeave, probeStdin } from "#probe";
import { versionAnswer } from "../lib/cni/versions.ts";

/** Milliseconds that VERSION waits for who asks to say in which version. */
const patience = 250;

// Nothing is awaited at the top: a CommonJS file, as Node keeps compiled, can't.
void start();

async function start(): Promise<void> {
  if (process.env.CNI_COMMAND === "VERSION") {
    printAndLeave(versionAnswer(await probeStdin(patience)));
  }
  const { main } = await import("#main");
  await main();
}
