/** All of them; a case's number says which it is of, so a new one goes to the end. */
import type { Target } from "./case.ts";
import { cniTargets } from "./target-cni.ts";
import { joinTargets } from "./target-join.ts";
import { kernelTargets } from "./target-kernel.ts";
import { runDirTargets } from "./target-run-dir.ts";
import { storeTargets } from "./target-store.ts";
import { switchTargets } from "./target-switch.ts";
import { traceTargets } from "./target-trace.ts";

export const targets: readonly Target[] = [
  ...cniTargets,
  ...storeTargets,
  ...runDirTargets,
  ...switchTargets,
  ...kernelTargets,
  ...joinTargets,
  ...traceTargets,
];
