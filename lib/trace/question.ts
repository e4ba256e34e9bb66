/**
 * What one node asks another of a packet, and what that answers: JSON, read at the door. What comes
 * of another is typed before anything is done with it; no text of it gets into a command.
 */
import { Failure } from "../errors.ts";
import { collectFaults, type Reader } from "../faults.ts";
import { formatVtep, parseVtep } from "../ipam/nodes.ts";
import { parseJson } from "../json.ts";
import { formatIp4, parseIp4 } from "../net/ip4.ts";
import { formatIp6, parseIp6 } from "../net/ip6.ts";
import { formatMac, parseMac } from "../net/mac.ts";
import { isName } from "../text.ts";
import type { Address, Content, Entry, Packet } from "./way.ts";

/** What the switch of a node is asked. */
export interface Question {
  readonly entry: Entry;
  readonly packet: Packet;
}

/** The longest that is listened to, characters. */
export const longest = { question: 1_024, answer: 49_152 } as const;

export function formatQuestion({ entry, packet }: Question): string {
  return JSON.stringify({
    entry: formatEntry(entry),
    packet: {
      ...packet,
      ethSrc: formatMac(packet.ethSrc),
      ethDst: formatMac(packet.ethDst),
      from: formatAddress(packet.from),
      to: formatAddress(packet.to),
    },
  });
}

function formatEntry(entry: Entry) {
  switch (entry.by) {
    case "container":
      return { ...entry, address: formatIp4(entry.address) };
    case "host":
      return entry;
    case "tunnel":
      return { ...entry, vtep: formatVtep(entry.vtep) };
  }
}

/** Throws Failure "decode" that names all faults. */
export function parseQuestion(text: string): Question {
  const faults = collectFaults();
  const json = text.length > longest.question ? undefined : parseJson(text);
  const root = faults.object(json, "", ["entry", "packet"]);
  const entry = entryIn(root.inner("entry", ["by", "name", "address", "port", "vtep"]));
  const packet = packetIn(root.inner("packet", packetKeys));
  faults.settle("decode", "Cannot read a question of another node");
  if (entry === undefined || packet === undefined) {
    throw new Failure("decode", "Cannot read a question of another node: it is not whole");
  }
  return { entry, packet };
}

const packetKeys = ["network", "vni", "ethSrc", "ethDst", "from", "to", "content"];
const longestName = 253;
const named = (text: string) => (isName(text, longestName) ? text : undefined);

function entryIn(entry: Reader | undefined): Entry | undefined {
  switch (entry?.oneOf("by", ["container", "host", "tunnel"])) {
    case "container": {
      const name = entry.parsed("name", "a container's name", shownName);
      const address = entry.parsed("address", "an IPv4 address", parseIp4);
      const port = entry.integer("port", 1, 0xfeff);
      if (name === undefined || address === undefined) return undefined;
      return { by: "container", name, address, port };
    }
    case "host":
      return { by: "host" };
    case "tunnel": {
      const vtep = entry.parsed("vtep", "an address", parseVtep);
      return vtep && { by: "tunnel", vtep };
    }
    default:
      return undefined;
  }
}

/** It is said again, and nothing is done by it. */
const shownName = (text: string) => (/^[\x20-\x7e]{1,253}$/.test(text) ? text : undefined);

function packetIn(packet: Reader | undefined): Packet | undefined {
  const network = packet?.parsed("network", "a network's name", named);
  const vni = packet?.integer("vni", 1, 0xff_ffff);
  const ethSrc = packet?.parsed("ethSrc", "a MAC", parseMac);
  const ethDst = packet?.parsed("ethDst", "a MAC", parseMac);
  const from = packet?.parsed("from", "an address", parseAddress);
  const to = packet?.parsed("to", "an address", parseAddress);
  const content = contentIn(packet?.inner("content", ["kind", "port", "answer"]));
  if (network === undefined || vni === undefined || content === undefined) return undefined;
  if (ethSrc === undefined || ethDst === undefined) return undefined;
  if (from === undefined || to?.family !== from.family) return undefined;
  return { network, vni, ethSrc, ethDst, from, to, content };
}

function contentIn(content: Reader | undefined): Content | undefined {
  const kind = content?.oneOf("kind", ["neighbour", "icmp", "tcp", "udp"]);
  const answer = content?.flag("answer");
  if (kind === undefined) return undefined;
  if (kind === "neighbour") return { kind };
  if (answer === undefined) return undefined;
  if (kind === "icmp") return { kind, answer };
  const port = content?.integer("port", 0, 0xffff);
  return port === undefined ? undefined : { kind, port, answer };
}

const formatAddress = (one: Address): string =>
  one.family === 4 ? formatIp4(one.address) : formatIp6(one.address);

function parseAddress(text: string): Address | undefined {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined) return { family: 4, address: ip4 };
  const ip6 = parseIp6(text);
  return ip6 === undefined ? undefined : { family: 6, address: ip6 };
}
