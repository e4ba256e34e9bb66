/**
 * A link's transmit checksum offload, in the namespace that a socket was opened in.
 *
 * Sources: netdevice(7), linux/ethtool.h, linux/sockios.h.
 */
import { Failure } from "../errors.ts";
import { bytesOfText } from "../text.ts";
import { succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";

const SIOCETHTOOL = 0x8946;
const ETHTOOL_GTXCSUM = 0x16;
const ETHTOOL_STXCSUM = 0x17;

/** IFNAMSIZ, less the NUL. */
const maxName = 15;

/** Switches it off. Throws SysError. */
export const checksumOffloadOff = (ffi: Ffi, socket: number, name: string): void =>
  void ethtool(ffi, socket, name, ETHTOOL_STXCSUM, "switch checksum offload off on");

/** Whether it is on. Throws SysError. */
export const checksumOffload = (ffi: Ffi, socket: number, name: string): boolean =>
  ethtool(ffi, socket, name, ETHTOOL_GTXCSUM, "look at checksum offload of") !== 0;

/** Gives the value that comes back; the one that goes there is 0. */
function ethtool(ffi: Ffi, socket: number, name: string, command: number, action: string): number {
  const subject = `link "${name}"`;
  const nameBytes = bytesOfText(name);
  if (nameBytes.length > maxName)
    throw new Failure("kernel-refused", `Cannot ${action} ${subject}: the name is too long`);
  // struct ethtool_value: command, data.
  const value = Uint32Array.of(command, 0);
  const valueBytes = new Uint8Array(value.buffer);
  // struct ifreq: 16 bytes of name, then a pointer.
  const request = new Uint8Array(40);
  request.set(nameBytes);
  new DataView(request.buffer).setBigUint64(16, BigInt(ffi.address(valueBytes)), true);
  const done = ffi.call("ioctl", socket, SIOCETHTOOL, request);
  succeed(done, { action, subject, call: "SIOCETHTOOL" });
  return value[1] ?? 0;
}
