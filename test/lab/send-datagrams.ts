/**
 * A program to be run in a namespace: reads payloads, one a line, in hex, and sends each by UDP to
 * the address and port that it is called with.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";

const [, , address = "", port = ""] = process.argv;
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
for (const line of readFileSync(0, "utf8").split("\n")) {
  await new Promise<void>((resolve, reject) => {
    const sent = (error: Error | null) => (error === null ? resolve() : reject(error));
    socket.send(Buffer.from(line, "hex"), Number(port), address, sent);
  });
}
socket.close();
