/**
 * Puts back ports that the switch, or its database, has lost: after `ovs-appctl exit --cleanup`,
 * which takes the networks' own ports along with their addresses, or a database made anew. What is
 * written down of the assignments tells which there were.
 */
import type { Deadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { isHeld, listAssignments } from "../ipam/assignments.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
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
  const written = whatIsWritten(host);
  if (written.length === 0) return [];
  ensureBridge(host, deadline);
  const tunnel = written.map(({ held }) => held.tunnel).find((vtep) => vtep !== undefined);
  if (tunnel !== undefined) ensureTunnel(host, tunnel, deadline);
  const { attachments, gateways } = ourPorts(host, deadline);
  const plugged = new Set([...attachments, ...gateways].map(({ link }) => link));
  const restored: string[] = [];
  for (const own of written.filter(isOwn)) {
    const port = gatewayLinkName(own.assignment.network);
    try {
      if (await restoreGateway(host, own, plugged, deadline)) restored.push(port);
    } catch (fault) {
      // The other networks are none the worse for it.
      host.log.error("cannot put a network's own port right", { port, reason: reasonOf(fault) });
    }
  }
  const containers = written.filter((one) => !isOwn(one) && !plugged.has(linkOf(one)));
  if (containers.length === 0) return restored;
  const all = host.links().list();
  const links = new Set(all.map(({ name }) => name));
  const living = containers.filter((one) => links.has(linkOf(one)));
  return [...restored, ...plugAgain(host, living, deadline)];
}

/** An assignment that is whole, and what is held of its network. */
interface Written {
  readonly assignment: Assignment;
  readonly held: HeldNetwork;
}

const isOwn = ({ assignment }: Written): boolean => isOwnAddress(assignment.id);
const linkOf = ({ assignment }: Written): string => outerName(assignment.id);

/** All that should have a port. */
function whatIsWritten(host: Host): readonly Written[] {
  const { dirs } = host.ipam;
  const networks = new Map(dirs.networks.list().map((name) => [name, heldNow(dirs, name)]));
  return listAssignments(dirs).flatMap((assignment): readonly Written[] => {
    const held = networks.get(assignment.network);
    const isWhole = assignment.ofport !== undefined && isHeld(dirs, assignment);
    return held === undefined || !isWhole ? [] : [{ assignment, held }];
  });
}

async function restoreGateway(
  host: Host,
  { assignment: { address, ofport = 0 }, held }: Written,
  plugged: ReadonlySet<string>,
  deadline: Deadline,
): Promise<boolean> {
  const { network } = held.stored;
  const port = gatewayLinkName(network.name);
  const faults = gatewayFaults(host, network, host.links().get(port));
  if (plugged.has(port) && faults.length === 0) return false;
  await standUp(host, held, { address, ofport }, deadline);
  const because = plugged.has(port) ? faults.join("; ") : "the switch's database had lost it";
  host.log.warn("put a network's own port right", { port, because });
  return true;
}

/** All are sent before the first is waited for: the switch takes them up together. */
function plugAgain(
  host: Host,
  containers: readonly Written[],
  deadline: Deadline,
): readonly string[] {
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const boot = host.kernel.bootId();
  const added = containers.map((container) => {
    const row = rowOf(container, boot);
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

function rowOf({ assignment, held }: Written, boot: string): AttachmentRow {
  const { id, network, address, mac, ofport = 0, limits } = assignment;
  const { subnet6 } = held.stored.network;
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
    limits,
  };
}
