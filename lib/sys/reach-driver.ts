/**
 * The driver of reach.ts: raw sockets of ICMP, and of ARP's frames.
 *
 * Sources: raw(7), ip(7) and ipv6(7) "MTU_DISCOVER", socket(7), packet(7); linux/in.h, linux/in6.h.
 */
import { ip4Bytes } from "../net/ip4.ts";
import { ip6Bytes } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import { decodeArpReply, encodeArpRequest, ethArp } from "./arp.ts";
import { failed, SysError, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { decodeIcmp, encodeEcho, icmpOf } from "./icmp.ts";
import { cString } from "./io.ts";
import type { Neighbour } from "./kernel.ts";
import type { ArpSocket, EchoSocket, Reach, Refused } from "./reach.ts";
import { openSocket, setOption } from "./socket.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;

/** What a family is asked by. "Probe": it may not be parted, and the path's known MTU is not used. */
const families = {
  4: { af: AF_INET, icmp: 1, level: 0, mtuDiscover: 10 },
  6: { af: AF_INET6, icmp: 58, level: 41, mtuDiscover: 23 },
} as const;
const IP_PMTUDISC_PROBE = 3;

/** Room for the answers of hundreds of machines at once, bytes. */
const receiveBuffer = 4 << 20;

/** The longest that is read: what comes is an answer to less, or cut off behind what is looked at. */
const longest = 9_216;

/** The rest is read the next time: who sends without end must not be read without end. */
const mostAtOnce = 4_096;

export const openReach = (ffi: Ffi): Reach => ({
  openEcho: (from, link) => openEcho(ffi, from, link),
  openArp: ({ index, mac }) => openArp(ffi, index, mac ?? (0 as Mac)),
});

function openEcho(ffi: Ffi, from: Neighbour | undefined, link: string | undefined): EchoSocket {
  const family = from?.family ?? 4;
  const { af, icmp, level, mtuDiscover } = families[family];
  const open: number[] = [];
  const openOne = (type: number, protocol: number): number => {
    const fd = openSocket(ffi, af, type, protocol);
    open.push(fd);
    if (link !== undefined) setOption(ffi, fd, SOL_SOCKET, SO_BINDTODEVICE, cString(link));
    if (from !== undefined) bind(ffi, fd, socketAddress(from, 0));
    return fd;
  };
  const close = () => {
    for (const fd of open.splice(0)) ffi.call("close", fd);
  };
  try {
    const raw = openOne(SOCK_RAW, icmp);
    setOption(ffi, raw, level, mtuDiscover, word(IP_PMTUDISC_PROBE));
    setOption(ffi, raw, SOL_SOCKET, SO_RCVBUFFORCE, word(receiveBuffer));
    const datagrams = openOne(SOCK_DGRAM, 0);
    const id = Math.floor(Math.random() * 0x10000);
    return {
      ask: (to, number, size) =>
        send(ffi, raw, encodeEcho(family, id, number, size), socketAddress(to, 0)),
      tell: (to, port, payload) => send(ffi, datagrams, payload, socketAddress(to, port)),
      news: () =>
        receiveAll(ffi, raw)
          .map((bytes) => decodeIcmp(family, icmpOf(family, bytes), id))
          .filter((one) => one !== undefined),
      close,
    };
  } catch (fault) {
    close();
    throw fault;
  }
}

function openArp(ffi: Ffi, index: number, mac: Mac): ArpSocket {
  // Nothing is received before it is bound to its link.
  const fd = openSocket(ffi, AF_PACKET, SOCK_RAW, 0);
  const close = () => void ffi.call("close", fd);
  const link = linkAddress(index);
  try {
    bind(ffi, fd, link);
    setOption(ffi, fd, SOL_SOCKET, SO_RCVBUFFORCE, word(receiveBuffer));
  } catch (fault) {
    close();
    throw fault;
  }
  return {
    ask: (target, as, size) => send(ffi, fd, encodeArpRequest(mac, as, target, size), link),
    answers: () =>
      receiveAll(ffi, fd)
        .map(decodeArpReply)
        .filter((one) => one !== undefined),
    close,
  };
}

function send(ffi: Ffi, fd: number, bytes: Uint8Array, to: Uint8Array): Refused {
  for (;;) {
    const sent = ffi.call("sendto", fd, bytes, bytes.length, MSG_DONTWAIT, to, to.length);
    if (failed(sent, "EINTR")) continue;
    const attempt = { action: "send by", subject: "a socket", call: "sendto" };
    return sent < 0 ? new SysError(-sent, attempt).errno : undefined;
  }
}

function receiveAll(ffi: Ffi, fd: number): readonly Uint8Array[] {
  const buffer = new Uint8Array(longest);
  const all: Uint8Array[] = [];
  while (all.length < mostAtOnce) {
    const length = ffi.call("recvfrom", fd, buffer, buffer.length, MSG_DONTWAIT);
    if (failed(length, "EINTR")) continue;
    // ENETDOWN: its link went down; nothing comes then, and what was asked stays unanswered.
    if (length < 0) return all;
    all.push(buffer.slice(0, length));
  }
  return all;
}

function bind(ffi: Ffi, fd: number, address: Uint8Array): void {
  const result = ffi.call("bind", fd, address, address.length);
  succeed(result, { action: "bind", subject: "a socket to an address", call: "bind" });
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(to: Neighbour, port: number): Uint8Array {
  const { af } = families[to.family];
  const bytes = new Uint8Array(to.family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, af, true);
  view.setUint16(2, port);
  if (to.family === 4) bytes.set(ip4Bytes(to.address), 4);
  else bytes.set(ip6Bytes(to.address), 8);
  return bytes;
}

/** struct sockaddr_ll, for ARP on one link. */
function linkAddress(index: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ethArp);
  view.setInt32(4, index, true);
  return bytes;
}

const word = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
