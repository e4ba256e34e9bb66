/** CNI_ARGS: `K=V;K2=V2`. See run.ts for the folder's note. */
import { type Faults, type Reader, shown } from "../faults.ts";

/** Deprecated for all but what old runtimes know: `args` and `runtimeConfig` go before it. */
export interface CniArgs {
  /** IP, MAC and SOCKETPLANE_CIDR, not parsed yet: they may have to be ignored. */
  readonly asked: Reader;
  /** K8S_*: what Kubernetes says of the workload, under the names that it uses. */
  readonly workload: Readonly<Record<string, string>>;
}

/**
 * SOCKETPLANE_CIDR asks for a network, by its gateway and subnet in one, as the first SocketPlane's
 * users did.
 * IgnoreUnknown counts for all keys, wherever it stands.
 */
const knownKeys = ["IP", "MAC", "SOCKETPLANE_CIDR", "IgnoreUnknown"];
const workloadPrefix = "K8S_";

/** Each pair is exactly `K=V`; the last of two with one key counts (libcni, types.LoadArgs). */
export function parseCniArgs(text: string, faults: Faults): CniArgs {
  if (text === "") return { asked: faults.object({}, "CNI_ARGS"), workload: {} };
  const values = pairsOf(text, faults);
  const ignoresUnknown = truth(values.get("IgnoreUnknown"), faults);
  const asked: Record<string, string> = {};
  const workload: Record<string, string> = {};
  for (const [key, value] of values) {
    if (key.startsWith(workloadPrefix)) workload[key] = value;
    else if (knownKeys.includes(key)) {
      if (value !== "") asked[key] = value;
    } else if (!ignoresUnknown) {
      const known = `${knownKeys.join(", ")}, ${workloadPrefix}*`;
      faults.add(`CNI_ARGS: ${shown(key)} is not one of ${known}: add IgnoreUnknown=1 to allow it`);
    }
  }
  return { asked: faults.object(asked, "CNI_ARGS"), workload };
}

function pairsOf(text: string, faults: Faults): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of text.split(";")) {
    const [key = "", value, ...more] = pair.split("=");
    if (value !== undefined && more.length === 0) values.set(key, value);
    else faults.add(`CNI_ARGS: ${shown(pair)} is not of the form K=V`);
  }
  return values;
}

function truth(value: string | undefined, faults: Faults): boolean {
  const word = value?.toLowerCase();
  if (word === "1" || word === "true") return true;
  if (word === undefined || word === "0" || word === "false") return false;
  faults.add(`CNI_ARGS: "IgnoreUnknown" must be 1, true, 0 or false, not ${shown(value)}`);
  return false;
}
