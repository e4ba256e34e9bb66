/**
 * Two ends that talk over one TCP connection for as long as it holds, as programs to be run in a
 * namespace.
 *
 * `serve` prints "port N" and sends back what it gets; `talk ADDRESS PORT` sends a byte again and
 * again, and prints "N: heard BYTES" at the N-th SIGUSR2.
 */
import { connect, createServer } from "node:net";

const everyMs = 25;
const [role, address = "", port = ""] = process.argv.slice(2);

if (role === "serve") {
  const server = createServer((socket) => socket.pipe(socket).on("error", () => {}));
  server.listen(0, "::", () => {
    const listening = server.address();
    if (typeof listening === "object") console.log(`port ${listening?.port}`);
  });
} else {
  let heard = 0;
  let asked = 0;
  process.on("SIGUSR2", () => {
    asked += 1;
    console.log(`${asked}: heard ${heard}`);
  });
  const socket = connect({ host: address, port: Number(port) });
  socket.on("connect", () => {
    console.log("open");
    setInterval(() => socket.write("."), everyMs);
  });
  socket.on("data", (chunk) => {
    heard += chunk.length;
  });
}
