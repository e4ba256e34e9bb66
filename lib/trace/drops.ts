/** Why a switch drops a packet, by the table where it does, and what to do: pure. */
import { formatVtep } from "../ipam/nodes.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatMac, ip4OfMac, isGroup } from "../net/mac.ts";
import { contains4, formatPrefix4 } from "../net/prefix.ts";
import { partOf } from "../overlay/cookies.ts";
import { tables } from "../overlay/state.ts";
import { type Facts, holderOf, leaseOf, networkNamed, nodeAt } from "./facts.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import { addressIn } from "./parties.ts";
import { nodeWords, type Scene } from "./scene.ts";
import type { Lookup } from "./switch-trace.ts";
import type { Dropped } from "./way.ts";

/** Of the flow that has dropped it. */
export function whyDropped(last: Lookup, scene: Scene): Dropped {
  if (partOf(last.cookie) === undefined) return byForeignFlow(last, scene.node);
  switch (last.table) {
    case tables.classify:
      return notClassified(scene);
    case tables.ingress:
      return notLetIn(last, scene);
    case tables.local:
      return notHere(scene);
    default:
      return notForwarded(scene);
  }
}

const dropped = (why: string, todo?: string): Dropped =>
  todo === undefined ? { end: "dropped", why } : { end: "dropped", why, todo };

function byForeignFlow({ bridge, table, match, priority }: Lookup, node: string): Dropped {
  const flow = [`table=${table}`, `priority=${priority}`, ...(match === "" ? [] : [match])].join(
    ",",
  );
  const why = `a flow that is not ours drops it, in table ${table}`;
  // What a command would take otherwise than it is meant is not put into one: a bridge's name, and
  // another node's words, may be anything.
  const isPlain = /^[\w=,.:/+-]*$/.test(bridge + flow);
  if (!isPlain) return dropped(why, `On ${node}, see who has added it: ovs-ofctl dump-flows`);
  const remove = `ovs-ofctl -O OpenFlow15 --strict del-flows ${bridge} "${flow}"`;
  return dropped(why, `On ${node}, see who has added it; to remove it: ${remove}`);
}

const flowsBack = "The agent puts flows back within a minute: socketplane agent status";

function notClassified({ facts, node, entry, packet }: Scene): Dropped {
  const { network, vni, from, ethSrc } = packet;
  if (entry.by === "tunnel") {
    const why = `${node} has no part in network ${network} (VNI ${vni}): it holds no address of it`;
    return dropped(why);
  }
  if (entry.by === "host") {
    return dropped(
      `the switch does not take it from this host's port in network ${network}`,
      flowsBack,
    );
  }
  const guard = (is: string, own: string) =>
    dropped(`the spoof guard: ${is} is not container ${entry.name}'s own, which is ${own}`);
  const own = facts.holders.find(
    (one) => one.node === node && one.network === network && one.address === entry.address,
  );
  if (own !== undefined) {
    if (own.mac !== ethSrc) return guard(`MAC ${formatMac(ethSrc)}`, formatMac(own.mac));
    const due = addressIn(facts, own, from.family);
    if (due?.address !== from.address) {
      return guard(textOf(from), due === undefined ? formatIp4(own.address) : textOf(due));
    }
  }
  return dropped(
    `the switch has no flow for what container ${entry.name} may send: it has lost it`,
    flowsBack,
  );
}

function notLetIn(last: Lookup, { facts, node, entry, packet }: Scene): Dropped {
  const { network, ethSrc, from } = packet;
  const vtep = entry.by === "tunnel" ? entry.vtep : undefined;
  if (vtep === undefined) return dropped("its sender is not known there");
  const sender = ip4OfMac(ethSrc) ?? ip4Of(from);
  const text = formatIp4(sender);
  if (partOf(last.cookie)?.part === "network") {
    return dropped(`${text} is the gateway's address, or ${node}'s own: no other node sends as it`);
  }
  const lease = leaseOf(facts, network, sender);
  const sentBy = nodeWords(facts, vtep);
  if (facts.isWhole && nodeAt(facts, vtep) === undefined) {
    return dropped(
      `no node of the cluster has VTEP ${formatVtep(vtep)}: it was removed, and is cut off`,
      "On that machine, remove its containers: then it joins anew",
    );
  }
  if (lease === undefined) {
    return dropped(`${text} is leased to nobody, and ${node} takes it from nobody: not ${sentBy}`);
  }
  const holder = lease.node ?? (lease.vtep && nodeWords(facts, lease.vtep)) ?? "another node";
  if (lease.vtep?.family === vtep.family && lease.vtep.address === vtep.address) {
    return dropped(
      `${node} does not know yet that ${holder} holds ${formatPrefix4(lease.prefix)}`,
      `Its agent tells it at once, else its next ADD: on ${node}, socketplane agent status`,
    );
  }
  return dropped(
    `${formatPrefix4(lease.prefix)} is leased to ${holder}, and it comes from ${sentBy}`,
  );
}

function notForwarded({ facts, node, packet }: Scene): Dropped {
  const { network, ethDst } = packet;
  if (isGroup(ethDst)) return dropped("broadcast and multicast are carried to nobody");
  const address = ip4OfMac(ethDst);
  if (address === undefined) return dropped(`nobody has MAC ${formatMac(ethDst)}`);
  const lease = leaseOf(facts, network, address);
  if (lease === undefined) return nobody(facts, network, address);
  const holder = lease.node ?? (lease.vtep && formatVtep(lease.vtep));
  return dropped(
    `${formatPrefix4(lease.prefix)} is leased to ${holder}, but the switch of ${node} does not know it`,
    `Its agent tells it at once, else its next ADD: on ${node}, socketplane agent status`,
  );
}

/** In no lease. */
export function nobody(facts: Facts, network: string, address: Ip4): Dropped {
  const text = formatIp4(address);
  const subnet = networkNamed(facts, network)?.subnet;
  if (subnet !== undefined && !contains4(subnet, address)) {
    return dropped(`${text} is not in network ${network}, ${formatPrefix4(subnet)}`);
  }
  const far = facts.isWhole ? "" : ", as far as this node knows";
  return dropped(
    `nobody holds ${text}: it is in no node's block of network ${network}${far}`,
    `See who holds what: socketplane lease list --network ${network}`,
  );
}

function notHere({ facts, node, packet }: Scene): Dropped {
  const { network, ethDst, to } = packet;
  const address = ip4OfMac(ethDst) ?? ip4Of(to);
  const holder = holderOf(facts, network, address);
  if (holder?.node === node) {
    return dropped(
      `container ${holder.name} has ${formatIp4(address)}, but the switch has no flow to its port`,
      flowsBack,
    );
  }
  const lease = leaseOf(facts, network, address);
  const block = lease === undefined ? "its block" : formatPrefix4(lease.prefix);
  return dropped(
    `${node} holds ${block}, but no container there has ${formatIp4(address)}`,
    `See which has which: socketplane address list --network ${network}`,
  );
}
