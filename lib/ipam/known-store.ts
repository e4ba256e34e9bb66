/**
 * Whether the store is the one that this node knows: its identity, and the largest revision seen,
 * kept in the run directory. A store that was wiped is not written to: what is on the node would
 * contradict it.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import type { Revision } from "../store/store.ts";
import { listAssignments } from "./assignments.ts";
import type { NodeIpam } from "./held.ts";
import type { Registry } from "./networks.ts";

/**
 * "restored": it went back, to a backup. Throws Failure "store-refused" where it was wiped or is
 * another one, and where this node was removed from it while containers of it live.
 */
export async function confirmStore(
  ipam: NodeIpam,
  { keys, store }: Registry,
  deadline: Deadline,
): Promise<"same" | "restored"> {
  // Before the store is asked: another command may see, and write down, more meanwhile.
  const known = readKnown(ipam);
  const identity = await store.identity(deadline);
  if (known !== undefined && known.identity !== identity) throw otherStore(ipam);
  const { name } = ipam.node();
  const key = keys.node(name);
  const { entries, revision } = await store.range(key, deadline);
  const registered = entries.some((entry) => entry.key === key);
  const isBack = known !== undefined && revision < known.revision;
  if (known?.registered && !registered && !isBack && hasContainers(ipam)) throw removed(ipam, name);
  if (known === undefined || known.revision !== revision || known.registered !== registered) {
    writeKnown(ipam, { identity, revision, registered });
  }
  return isBack ? "restored" : "same";
}

/** Remembers that the node is registered: from then on its removal is noticed. */
export function rememberRegistered(ipam: NodeIpam): void {
  const known = readKnown(ipam);
  if (known !== undefined && !known.registered) writeKnown(ipam, { ...known, registered: true });
}

interface KnownStore {
  readonly identity: string;
  readonly revision: Revision;
  readonly registered: boolean;
}

const fileName = "store.json";

function readKnown({ run }: NodeIpam): KnownStore | undefined {
  const json = parseJson(run.read(fileName) ?? "");
  if (!isObject(json)) return undefined;
  const { identity, revision, registered } = json;
  if (typeof identity !== "string" || typeof revision !== "number") return undefined;
  return { identity, revision: revision as Revision, registered: registered === true };
}

const writeKnown = ({ run }: NodeIpam, known: KnownStore): void =>
  run.replace(fileName, JSON.stringify(known));

/** Beside the node's own addresses. */
const hasContainers = ({ dirs }: NodeIpam): boolean =>
  listAssignments(dirs).some(({ id }) => !id.name.startsWith("@"));

const otherStore = ({ run }: NodeIpam): Failure =>
  new Failure(
    "store-refused",
    "Cannot use the store: it was wiped, or is another one than this node has used until now",
    {
      details: `Nothing on this node is changed. Put the store back from a backup. Or, to begin anew with this one: remove all containers of this node, and then ${run.path} (or reboot).`,
    },
  );

const removed = ({ run }: NodeIpam, name: string): Failure =>
  new Failure(
    "store-refused",
    `Cannot use the store: node "${name}" was removed from it, and containers of it still run`,
    {
      details: `Others may have their addresses by now. Remove the containers of this node: then it registers anew. They are listed in ${run.path}/owners.`,
    },
  );
