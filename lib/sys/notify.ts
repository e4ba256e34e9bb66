/**
 * Tells systemd that a service is ready, where it asks to be told. Source: sd_notify(3).
 */
import { bytesOfText } from "../text.ts";
import type { Ffi } from "./ffi.ts";
import { MSG_NOSIGNAL, openSocket } from "./socket.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;

/** `address` is NOTIFY_SOCKET. A service manager that does not listen is no fault of the service's. */
export function notifyReady(ffi: Ffi, address: string | undefined): void {
  if (address === undefined || !/^[/@]./.test(address)) return;
  const socket = openSocket(ffi, AF_UNIX, SOCK_DGRAM, 0);
  try {
    const message = bytesOfText("READY=1");
    const to = addressOf(address);
    ffi.call("sendto", socket, message, message.length, MSG_NOSIGNAL, to, to.length);
  } finally {
    ffi.call("close", socket);
  }
}

/** struct sockaddr_un; "@" stands for the NUL that an abstract name begins with (unix(7)). */
function addressOf(path: string): Uint8Array {
  const bytes = bytesOfText(path.replace(/^@/, "\0"));
  const address = new Uint8Array(2 + bytes.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}
