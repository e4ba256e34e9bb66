/**
 * What crosses the underlay: one capture from a cluster's beginning to its end, and what of each
 * frame the invariants ask for.
 *
 * Sources: libpcap's file format (pcap-savefile(5)); RFC 7348, section 5 (VXLAN); RFC 826 (ARP);
 * RFC 4861, section 4 (neighbour discovery).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";
import { start } from "./run.ts";

/** A frame, or the frame inside a VXLAN packet. */
export interface WireFrame {
  /** Lower-case, with colons. */
  readonly destination: string;
  readonly source: string;
  readonly etherType: number;
  /** Who it says that it comes from: its IP or ARP sender; for an advertisement also its target. */
  readonly senders: readonly string[];
  /** What carries it; undefined for a frame of the underlay itself. */
  readonly tunnel: WireTunnel | undefined;
}

export interface WireTunnel {
  readonly vni: number;
  /** VTEP addresses. */
  readonly from: string;
  readonly to: string;
}

export interface Wire {
  /** What has passed since it was last asked, or since a mark. */
  readonly news: () => Promise<readonly WireFrame[]>;
  readonly since: (mark: number) => Promise<readonly WireFrame[]>;
  /** How many frames have passed so far. */
  readonly mark: () => Promise<number>;
}

/** As much of a frame as is looked at: VXLAN over IPv6, and a neighbour advertisement in it. */
const snapLength = 160;
const vxlanPort = 4789;

/** Milliseconds that a frame may take from the link to tcpdump's file. */
const settleMs = 200;

/** Records what passes a bridge, but for etcd's own connections. */
export async function openWire(lab: Lab, netns: string, bridge: string): Promise<Wire> {
  const file = join(lab.folder, "wire.pcap");
  const options = ["--immediate-mode", "-U", "-s", `${snapLength}`, "-Z", "root", "-i", bridge];
  const tcpdump = start({
    netns,
    argv: ["setpriv", "--pdeathsig", "KILL", "tcpdump", ...options, "-w", file, "not tcp"],
    limitMs: 3_600_000,
  });
  lab.onClose(async () => {
    tcpdump.kill("SIGKILL");
    await tcpdump.outcome;
  });
  await tcpdump.says(/listening on/);
  const packets = async () => {
    await sleep(settleMs);
    return parseCapture(readFileSync(file));
  };
  let told = 0;
  return {
    news: async () => {
      const all = await packets();
      const from = told;
      told = all.length;
      return all.slice(from).map(parseFrame);
    },
    since: async (mark) => (await packets()).slice(mark).map(parseFrame),
    mark: async () => (await packets()).length,
  };
}

/** The packets of a file as tcpdump writes it on this machine: little-endian, microseconds. */
export function parseCapture(file: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const packets: Uint8Array[] = [];
  const header = { file: 24, record: 16 } as const;
  let at: number = header.file;
  while (at + header.record <= file.length) {
    const length = view.getUint32(at + 8, true);
    at += header.record;
    // The last one may be half written.
    if (at + length > file.length) break;
    packets.push(file.subarray(at, at + length));
    at += length;
  }
  return packets;
}

export function parseFrame(frame: Uint8Array): WireFrame {
  const carried = parseTunnel(frame);
  return carried === undefined
    ? { ...parseEthernet(frame), tunnel: undefined }
    : { ...parseEthernet(carried.frame), tunnel: carried.tunnel };
}

function parseTunnel(frame: Uint8Array) {
  const ip = ipOf(frame);
  if (ip === undefined || ip.protocol !== 17) return undefined;
  const { payload } = ip;
  const view = viewOf(payload);
  if (payload.length < 16 || view.getUint16(2) !== vxlanPort) return undefined;
  const vni = view.getUint32(12) >>> 8;
  return { tunnel: { vni, from: ip.source, to: ip.destination }, frame: payload.subarray(16) };
}

function parseEthernet(frame: Uint8Array): Omit<WireFrame, "tunnel"> {
  const etherType = viewOf(frame).getUint16(12);
  return {
    destination: macAt(frame, 0),
    source: macAt(frame, 6),
    etherType,
    senders: sendersOf(frame, etherType),
  };
}

function sendersOf(frame: Uint8Array, etherType: number): readonly string[] {
  if (etherType === 0x0806) return [ip4At(frame, 14 + 14)];
  const ip = ipOf(frame);
  if (ip === undefined) return [];
  const isAdvertisement = ip.protocol === 58 && ip.payload[0] === 136;
  return isAdvertisement ? [ip.source, ip6At(ip.payload, 8)] : [ip.source];
}

/** The IP packet of an Ethernet frame; undefined if it carries something else. */
function ipOf(frame: Uint8Array) {
  const packet = frame.subarray(14);
  switch (frame.length < 34 ? undefined : viewOf(frame).getUint16(12)) {
    case 0x0800:
      return {
        source: ip4At(packet, 12),
        destination: ip4At(packet, 16),
        protocol: packet[9],
        payload: packet.subarray(((packet[0] ?? 0) & 15) * 4),
      };
    case 0x86dd:
      return {
        source: ip6At(packet, 8),
        destination: ip6At(packet, 24),
        protocol: packet[6],
        payload: packet.subarray(40),
      };
    default:
      return undefined;
  }
}

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const macAt = (bytes: Uint8Array, at: number) =>
  Array.from(bytes.subarray(at, at + 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");

const ip4At = (bytes: Uint8Array, at: number) => bytes.subarray(at, at + 4).join(".");

/** Eight groups without leading zeros, none left out. */
const ip6At = (bytes: Uint8Array, at: number) =>
  Array.from({ length: 8 }, (_, group) =>
    (((bytes[at + 2 * group] ?? 0) << 8) | (bytes[at + 2 * group + 1] ?? 0)).toString(16),
  ).join(":");
