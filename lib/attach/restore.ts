/**
 * Puts back ports that the switch, or its database, has lost: after `ovs-appctl exit --cleanup`,
 * which takes the networks' own ports along with their addresses, or a database made anew. What is
 * written down of the assignments tells which there were.
 */
import type { Deadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { heldNow } from "../ipam/held.ts";
import { isHeld, listAssignments } from "../ipam/pool.ts";
import { ip6Of } from "../net/mac.ts";
import { ensureBridge } from "./bridge.ts";
import { standUp } from "./gateway-make.ts";
import type { Host } from "./host.ts";
import { gatewayLinkName, isOwnAddress, outerName } from "./names.ts";
import { givenPort } from "./ports.ts";
import { type AttachmentRow, addAttachment, awaitOfport } from "./rows.ts";
import { ourPorts } from "./sync.ts";
import { ensureTunnel } from "./tunnel.ts";
import { gatewayFaults } from "./verify.ts";

/**
 * Puts back what is missing of the bridge, the tunnel, the networks' own ports and the containers'
 * ports; gives their links' names. The caller holds the switch's lock exclusively, and puts all
 * flows in afterwards.
 */
export async function restorePorts(host: Host, deadline: Deadline): Promise<readonly string[]> {
  const { dirs } = host.ipam;
  const written = listAssignments(dirs).filter(
    (one) => one.ofport !== undefined && isHeld(dirs, one) && heldNow(dirs, one.network),
  );
  if (written.length === 0) return [];
  ensureBridge(host, deadline);
  const tunnels = written.map(({ network }) => heldNow(dirs, network)?.tunnel);
  const tunnel = tunnels.find((vtep) => vtep !== undefined);
  if (tunnel !== undefined) ensureTunnel(host, tunnel, deadline);
  const { attachments, gateways } = ourPorts(host, deadline);
  const plugged = new Set([...attachments, ...gateways].map(({ link }) => link));
  const own = written.filter(({ id }) => isOwnAddress(id));
  const restored: string[] = [];
  for (const assignment of own) {
    const port = gatewayLinkName(assignment.network);
    try {
      if (await restoreGateway(host, assignment, plugged, deadline)) restored.push(port);
    } catch (fault) {
      // The other networks are none the worse for it.
      host.log.error("cannot put a network's own port right", { port, reason: reasonOf(fault) });
    }
  }
  const links = new Set(
    host
      .links()
      .list()
      .map(({ name }) => name),
  );
  const containers = written.filter(({ id }) => {
    const link = outerName(id);
    return !isOwnAddress(id) && links.has(link) && !plugged.has(link);
  });
  return [...restored, ...plugAgain(host, containers, deadline)];
}

async function restoreGateway(
  host: Host,
  { network: name, address, ofport = 0 }: Assignment,
  plugged: ReadonlySet<string>,
  deadline: Deadline,
): Promise<boolean> {
  const held = heldNow(host.ipam.dirs, name);
  const link = gatewayLinkName(name);
  if (held === undefined) return false;
  const faults = gatewayFaults(host, held.stored.network, host.links().get(link));
  if (plugged.has(link) && faults.length === 0) return false;
  await standUp(host, held, { address, ofport }, deadline);
  const state = plugged.has(link) ? faults.join("; ") : "it was gone from the switch's database";
  host.log.warn("put a network's own port right", { port: link, because: state });
  return true;
}

/** All are sent before the first is waited for: the switch takes them up together. */
function plugAgain(
  host: Host,
  assignments: readonly Assignment[],
  deadline: Deadline,
): readonly string[] {
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const boot = host.kernel.bootId();
  const added = assignments.map((assignment) => {
    const row = rowOf(host, assignment, boot);
    database.transact(addAttachment(bridge, row), deadline);
    return { row, ready: database.send(awaitOfport(row.link, deadline.left()), deadline) };
  });
  return added.flatMap(({ row, ready }) => {
    const { link, ofport } = row;
    try {
      const given = givenPort(ready, link, deadline);
      if (given.ofport !== ofport) throw new Error(given.error ?? `it has number ${given.ofport}`);
      const { index, up } = host.links().get(link) ?? { index: 0, up: true };
      if (!up) host.links().apply([{ do: "set link", index, up: true }]);
    } catch (fault) {
      host.log.error("cannot put a port back", { port: link, reason: reasonOf(fault) });
      return [];
    }
    host.log.warn("put a port back that the switch's database had lost", { port: link });
    return [link];
  });
}

function rowOf(host: Host, assignment: Assignment, boot: string): AttachmentRow {
  const { id, network, address, mac, ofport = 0 } = assignment;
  const subnet6 = heldNow(host.ipam.dirs, network)?.stored.network.subnet6;
  const address6 = subnet6 && ip6Of(subnet6, address);
  return {
    role: "attachment",
    link: outerName(id),
    id,
    network,
    address,
    address6,
    mac,
    ofport,
    boot,
  };
}
