/**
 * Servers and their clients, over TCP and UDP, as programs to be run in a namespace.
 *
 * `serve NAME PORT...` prints "ready" and tells each who asks how much came and from whom; `ask
 * tcp/ADDRESS/PORT...` asks all of them at once and prints, a line for each, "<what> <answer>".
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** More than a few segments, less than a link's MTU. */
const lengths = { tcp: 50_000, udp: 1_200 } as const;
const patienceMs = 2_500;
const resendMs = 600;

const [role, ...rest] = process.argv.slice(2);
if (role === "serve") serve(rest[0] ?? "", rest.slice(1).map(Number));
else await Promise.all(rest.map(ask));
if (role !== "serve") process.exit();

const plain = (address = "") => address.replace(/^::ffff:/, "");

function serve(name: string, ports: readonly number[]): void {
  let waiting = 2 * ports.length;
  const ready = () => {
    waiting -= 1;
    if (waiting === 0) console.log("ready");
  };
  const said = (length: number, from: string | undefined) => `${name} ${length} ${plain(from)}`;
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let received = 0;
      socket.on("data", (chunk) => {
        received += chunk.length;
      });
      socket.on("end", () => socket.end(said(received, socket.remoteAddress)));
      socket.on("error", () => {});
    });
    server.listen(port, "::", ready);
    const socket = createSocket("udp6");
    socket.on("message", (message, { address, port }) =>
      socket.send(said(message.length, address), port, address),
    );
    socket.bind(port, "::", ready);
  }
}

async function ask(what: string): Promise<void> {
  const [protocol = "", address = "", port = ""] = what.split("/");
  const asked = protocol === "udp" ? askUdp : askTcp;
  const answer = await Promise.race([asked(address, Number(port)), sleep(patienceMs)]);
  console.log(`${what} ${answer ?? ""}`);
}

async function askTcp(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.end(new Uint8Array(lengths.tcp));
  return text(socket).catch(() => "");
}

async function askUdp(host: string, port: number): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const answered = new Promise<string>((resolve) => {
    socket.on("message", (message) => resolve(message.toString()));
    socket.on("error", () => resolve(""));
  });
  // Connected: an answer from any other address is none. Without a route there is an error here.
  socket.once("connect", () => {
    const send = () => socket.send(new Uint8Array(lengths.udp), () => {});
    send();
    setInterval(send, resendMs);
  });
  socket.connect(port, host);
  return answered;
}
