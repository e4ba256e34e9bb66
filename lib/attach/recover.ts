/**
 * Sets right what a reboot, or the loss of the run directory, has left.
 *
 * The run directory belongs on a tmpfs; the switch's database outlives a reboot. So a port of
 * another boot is swept; and a port of this boot whose link is there and whose assignment is not
 * means that the directory was lost under a living container, whose address must not be given
 * again: it is written down anew.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type Assignment, type AttachmentId, blockName } from "../ipam/assignment.ts";
import { find, isHeld } from "../ipam/assignments.ts";
import { heldNow } from "../ipam/held.ts";
import { holdNetwork } from "../ipam/refresh.ts";
import { restore } from "../ipam/release.ts";
import { formatIp4 } from "../net/ip4.ts";
import { macOfIp4 } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment } from "./names.ts";
import { readPort } from "./ports.ts";
import { type AttachmentRow, removeRow } from "./rows.ts";
import { ourPorts } from "./sync.ts";

/**
 * The caller holds the switch's lock exclusively, and puts all flows in afterwards. The nodes' own
 * addresses come last: as long as one is missing, this is done again.
 */
export async function recover(host: Host, deadline: Deadline): Promise<void> {
  const { attachments, gateways } = ourPorts(host, deadline);
  const living = attachments.filter((row) => lives(host, row));
  for (const row of attachments) if (!living.includes(row)) sweep(host, row.link, deadline);
  const lost = [
    ...living,
    ...gateways.map((row) => ({
      ...row,
      id: gatewayAttachment(row.network),
      mac: macOfIp4(row.address),
    })),
  ].filter(({ id }) => !isWritten(host, id));
  for (const row of lost) await writeDown(host, row, deadline);
}

function lives(host: Host, row: AttachmentRow): boolean {
  if (row.boot !== host.kernel.bootId()) return false;
  // Its container may have gone before its DEL, which finds what is written down.
  return host.links().get(row.link) !== undefined || isWritten(host, row.id);
}

function isWritten({ ipam }: Host, id: AttachmentId): boolean {
  const known = find(ipam.dirs, id);
  return known !== undefined && isHeld(ipam.dirs, known);
}

function sweep(host: Host, link: string, deadline: Deadline): void {
  const { uuid } = readPort(host, link, deadline);
  if (uuid === undefined) return;
  host.database(deadline).transact([removeRow(uuid)], deadline);
  host.log.warn("removed a port that has no container", { port: link });
}

type Lost = Pick<Assignment, "id" | "network" | "address" | "mac" | "ofport" | "limits">;

async function writeDown(host: Host, lost: Lost, deadline: Deadline): Promise<void> {
  const { id, network, address, mac, ofport, limits } = lost;
  const block = (await blocksOf(host, network, deadline)).find(({ prefix }) =>
    contains4(prefix, address),
  );
  const assignment = { id, network, address, mac, ofport, limits, workload: {} };
  const restored =
    block !== undefined && restore(host.ipam.dirs, { ...assignment, block: blockName(block) });
  const about = { network, address: formatIp4(address), container: id.containerId };
  if (restored) host.log.warn("wrote an assignment down again that was lost", about);
  else host.log.error("cannot write a lost assignment down: its address is not ours", about);
}

async function blocksOf(host: Host, network: string, deadline: Deadline) {
  const cached = heldNow(host.ipam.dirs, network);
  if (cached !== undefined) return cached.blocks;
  try {
    const held = await holdNetwork(host.ipam, { name: network, spec: undefined }, deadline);
    return held.blocks;
  } catch (fault) {
    if (fault instanceof Failure && fault.kind === "network-unknown") return [];
    throw fault;
  }
}
