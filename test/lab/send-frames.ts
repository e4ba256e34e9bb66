/**
 * A program to be run in a namespace: reads frames, one a line, in hex, and puts them on the link
 * that it is called with. Source: packet(7).
 */
import { readFileSync } from "node:fs";
import { succeed } from "../../lib/sys/errno.ts";
import { openFfi } from "../../lib/sys/ffi-node.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;

const [, , link = ""] = process.argv;
const index = Number(readFileSync(`/sys/class/net/${link}/ifindex`, "utf8"));
const ffi = openFfi();
const attempt = { action: "send on", subject: link };
const fd = ffi.call("socket", AF_PACKET, SOCK_RAW, 0);
succeed(fd, { ...attempt, call: "socket" });
// struct sockaddr_ll: family, protocol, index; the rest is read from the frame.
const address = Buffer.alloc(20);
address.writeUInt16LE(AF_PACKET, 0);
address.writeInt32LE(index, 4);
for (const line of readFileSync(0, "utf8").split("\n")) {
  const frame = new Uint8Array(Buffer.from(line, "hex"));
  const sent = ffi.call("sendto", fd, frame, frame.length, 0, address, address.length);
  succeed(sent, { ...attempt, call: "sendto" });
}
