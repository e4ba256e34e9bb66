/** A traced way as JSON, as docs/trace.md has it: pure. */
import { formatVtep } from "../ipam/nodes.ts";
import { formatMac } from "../net/mac.ts";
import type { Named } from "./named.ts";
import { textOf } from "./packet-text.ts";
import type { Traced } from "./trace.ts";
import type { Entry, NodeWay, Packet, PartEnd } from "./way.ts";

type Json = Readonly<Record<string, unknown>>;

export const asJson = (traced: Traced): Json => ({
  from: traced.from,
  to: traced.to,
  sender: namedJson(traced.sender),
  receiver: namedJson(traced.receiver),
  network: traced.network,
  end: endJson(traced.end),
  ...(traced.answer !== undefined && { answer: endJson(traced.answer) }),
  not_known: traced.gaps,
  before: traced.before,
  stages: traced.stages.map(({ stage, way }) => ({
    stage,
    packet: packetJson(way.packet),
    nodes: way.nodes.map(nodeJson),
    end: endJson(way.end),
  })),
});

const namedJson = ({ address, ...rest }: Named): Json =>
  address === undefined ? rest : { ...rest, address: textOf(address) };

function nodeJson({ node, source, because, entry, packet, steps, end, own }: NodeWay): Json {
  return {
    node,
    source,
    ...(because !== undefined && { because }),
    entry: entryJson(entry),
    packet: packetJson(packet),
    steps,
    end: endJson(end),
    own,
  };
}

const entryJson = (entry: Entry): Json => {
  switch (entry.by) {
    case "container":
      return { by: entry.by, container: entry.name, port: entry.port };
    case "host":
      return { by: entry.by };
    case "tunnel":
      return { by: entry.by, vtep: formatVtep(entry.vtep) };
  }
};

function packetJson({ network, vni, ethSrc, ethDst, from, to, content }: Packet): Json {
  return {
    network,
    vni,
    source_mac: formatMac(ethSrc),
    destination_mac: formatMac(ethDst),
    source: textOf(from),
    destination: textOf(to),
    protocol: content.kind === "neighbour" ? (from.family === 4 ? "arp" : "nd") : content.kind,
    ...("port" in content && { port: content.port }),
    ...("answer" in content && { answer: content.answer }),
  };
}

function endJson(end: PartEnd): Json {
  if (end.end === "across") {
    return {
      end: end.end,
      node: end.node,
      vtep: formatVtep(end.vtep),
      packet: packetJson(end.packet),
    };
  }
  if ("packet" in end) return { end: end.end, packet: packetJson(end.packet) };
  if (end.end !== "delivered") return { ...end };
  const { isHanded, as, ...rest } = end;
  return {
    ...rest,
    ...(isHanded && { handed: true }),
    ...(as !== undefined && { as: textOf(as) }),
  };
}
