/** What this node has of its cluster: its name, its address, its certificate, and the authority. */
import { underlayLinkName } from "../attach/underlay.ts";
import { type Member, needsRenewal, renewElsewhere, renewHere } from "../cluster/renew.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import type { Log } from "../log.ts";
import { type Authority, isOurAuthority, openAuthority } from "../trust/authority.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

export interface Own {
  readonly name: string;
  /** Its VTEP's address, as it is written. */
  readonly address: string;
  /** Index of the link that has it: one that was made again has another. */
  readonly link: number | undefined;
  /** Undefined where the cluster has no authority of ours. */
  readonly member: Member | undefined;
  /** Where its key is. */
  readonly authority: Authority | undefined;
}

/** Beside the authority's certificate, on the node that made the cluster. */
const authorityKey = "ca.key";

/** Throws Failure "invalid-config" where the node has no VTEP, or its files can't be used. */
export async function readOwn(world: AgentWorld, node: ThisNode): Promise<Own> {
  const { name, vtep, link } = await node.use((host) => {
    const by = underlayLinkName(host);
    return { ...host.ipam.node(), link: by && host.links().get(by)?.index };
  });
  const { store } = node.config;
  if (vtep === undefined) throw new Failure("invalid-config", "Cannot do without a VTEP");
  const at = { name, address: formatVtep(vtep), link: link || undefined };
  const tls = store.type === "etcd" ? store.tls : undefined;
  const read = (path: string | undefined) => (path === undefined ? path : world.readFile(path));
  const [ca, cert, key] = [read(tls?.ca), read(tls?.cert), read(tls?.key)];
  if (ca === undefined || cert === undefined || key === undefined || !(await isOurAuthority(ca))) {
    return { ...at, member: undefined, authority: undefined };
  }
  const signing = read(`${folderOf(tls?.ca ?? "")}${authorityKey}`);
  const authority = signing && (await openAuthority({ cert: ca, key: signing }));
  const member = { name, vtep, ca, cert, key };
  return { ...at, member, authority: authority || undefined };
}

const answerMs = 30_000;

/**
 * Has the certificate renewed where it is time. Gives what the node has then. Throws Failure
 * "try-again" where that is not to be had.
 */
export async function keepGood(
  world: AgentWorld,
  node: ThisNode,
  own: Own,
  log: Log,
): Promise<Own> {
  const { member, authority } = own;
  const now = new Date(world.wallClock());
  if (member === undefined || !(await needsRenewal(member, now))) return own;
  const deadline = deadlineIn(world.clock, answerMs);
  const { registry } = node;
  const cert =
    authority === undefined
      ? await renewElsewhere({ askHttp: world.askHttp, registry }, member, deadline)
      : await renewHere(authority, member, now);
  replace(world, node, cert);
  log.info("renewed this node's certificate", { node: member.name });
  return { ...own, member: { ...member, cert } };
}

function replace(world: AgentWorld, { config: { store } }: ThisNode, cert: string): void {
  const path = store.type === "etcd" ? store.tls?.cert : undefined;
  if (path === undefined) return;
  const folder = world.makeDir(folderOf(path).slice(0, -1));
  try {
    folder.replace(path.slice(folderOf(path).length), cert);
  } finally {
    folder.close();
  }
}

/** With its slash. */
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
