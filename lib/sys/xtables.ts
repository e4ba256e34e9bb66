/**
 * The iptables of before nftables, of which the kernel keeps tables of their own: only whether they
 * drop what is forwarded.
 *
 * Sources: linux/netfilter_ipv4/ip_tables.h and netfilter_ipv6/ip6_tables.h (struct ipt_getinfo,
 * ipt_get_entries, ipt_entry), linux/netfilter/x_tables.h (struct xt_standard_target).
 */
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { readFile } from "./io.ts";
import { openSocket } from "./socket.ts";

const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const SO_GET_INFO = 64;
const SO_GET_ENTRIES = 65;

const NF_INET_FORWARD = 2;
/** A verdict is kept as one less than its negative: NF_DROP is 0. */
const dropped = -1;

/** The header of an answer: the table's name, and its numbers. */
const infoLength = 84;
const underflowAt = 56;
const sizeAt = 80;
/** Name, size, and the alignment of what follows. */
const entriesAt = 40;
const nameLength = 32;
/** A target's own header, before its verdict. */
const targetHead = 32;

/** `offset`: where an entry says where its target begins. */
const kinds = [
  { name: "ip filter FORWARD", names: "ip_tables_names", family: 2, level: 0, offset: 88 },
  { name: "ip6 filter FORWARD", names: "ip6_tables_names", family: 10, level: 41, offset: 140 },
] as const;

/** Names the legacy chain that drops by policy what is forwarded; undefined if there is none. */
export function legacyForwardDrop(ffi: Ffi): string | undefined {
  // To ask for a table that is not there would make it.
  const found = kinds.find(
    ({ names, ...kind }) =>
      (readFile(ffi, `/proc/thread-self/net/${names}`) ?? "").split("\n").includes("filter") &&
      dropsForwarded(ffi, kind),
  );
  return found && `${found.name} (legacy)`;
}

function dropsForwarded(
  ffi: Ffi,
  kind: { readonly family: number; readonly level: number; readonly offset: number },
): boolean {
  const fd = openSocket(ffi, kind.family, SOCK_RAW, IPPROTO_RAW);
  try {
    const info = ask(ffi, fd, { ...kind, option: SO_GET_INFO }, named(infoLength));
    if (info === undefined) return false;
    const size = info.getUint32(sizeAt, true);
    const request = named(entriesAt + size);
    new DataView(request.buffer).setUint32(nameLength, size, true);
    const entries = ask(ffi, fd, { ...kind, option: SO_GET_ENTRIES }, request);
    if (entries === undefined) return false;
    // The policy is the chain's last entry.
    const policy = entriesAt + info.getUint32(underflowAt + 4 * NF_INET_FORWARD, true);
    const target = policy + entries.getUint16(policy + kind.offset, true);
    return entries.getInt32(target + targetHead, true) === dropped;
  } finally {
    ffi.call("close", fd);
  }
}

function named(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set(Buffer.from("filter"));
  return bytes;
}

/** Undefined when the table was changed between two questions. */
function ask(
  ffi: Ffi,
  fd: number,
  what: { readonly level: number; readonly option: number },
  bytes: Uint8Array<ArrayBuffer>,
): DataView | undefined {
  const length = new Uint8Array(Uint32Array.of(bytes.length).buffer);
  const got = ffi.call("getsockopt", fd, what.level, what.option, bytes, length);
  if (failed(got, "EAGAIN") || failed(got, "EINVAL") || failed(got, "ENOENT")) return undefined;
  succeed(got, { action: "read", subject: "iptables", call: "getsockopt" });
  return new DataView(bytes.buffer);
}
