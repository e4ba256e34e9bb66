/**
 * One end of a TCP connection, as a program to be run in a namespace.
 *
 * `serve` prints "port N" and tells each client, when it has sent all, how much came and from
 * whom; `send ADDRESS PORT BYTES` sends and prints what it was told.
 */
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";

const patienceMs = 4_000;
const [role, address = "", port = "", bytes = ""] = process.argv.slice(2);

if (role === "serve") serve();
else await send(address, Number(port), Number(bytes));

function serve(): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.on("end", () => {
      const from = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
      socket.end(`received ${received} from ${from}\n`);
    });
    socket.on("error", () => {});
  });
  server.listen(0, "::", () => {
    const listening = server.address();
    if (typeof listening === "object") console.log(`port ${listening?.port}`);
  });
}

async function send(to: string, toPort: number, length: number): Promise<void> {
  setTimeout(() => process.exit(1), patienceMs).unref();
  const socket = connect({ host: to, port: toPort, allowHalfOpen: true });
  socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  socket.end(new Uint8Array(length));
  console.log((await text(socket)).trim());
}
