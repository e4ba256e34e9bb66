import { mkdtempSync, rmSync } from "node:fs";
import type { Server, ServerOpts, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import { refusedWith, type SysError } from "../../../lib/sys/errno.ts";
import { connectUnix } from "../../../lib/sys/unix-stream.ts";
import { clock } from "./runtimes.ts";
import { useWatchdog } from "./watchdog.ts";

useWatchdog();
const ffi = openFfi();
const later = () => deadlineIn(clock, 30_000);
const soon = () => deadlineIn(clock, 30);

let folder: string;
let path: string;
let worker: Worker | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-stream-"));
  path = join(folder, "socket");
});
afterEach(async () => {
  await worker?.terminate();
  worker = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Our side blocks, so the other side is a thread of its own. */
async function serve(
  onConnection: (socket: Socket, server: Server) => void,
  options: ServerOpts = {},
): Promise<void> {
  const code = `
    const { createServer } = require("node:net");
    const { workerData, parentPort } = require("node:worker_threads");
    const options = ${JSON.stringify(options)};
    const server = createServer(options, (socket) => (${onConnection.toString()})(socket, server));
    server.listen(workerData, () => parentPort.postMessage("listening"));`;
  const started = new Worker(code, { eval: true, workerData: path });
  worker = started;
  await new Promise((resolve) => started.once("message", resolve));
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (fault) {
    return fault;
  }
  throw new Error("nothing was thrown");
}

test("what is sent comes back, however long, until the peer closes", async () => {
  await serve((socket) => void socket.pipe(socket));
  const stream = connectUnix(ffi, path, later());
  expect(stream.peer).toBe(path);
  const sent = new Uint8Array(150_000).map((_, index) => index % 251);
  // More than the socket's buffers hold would block both sides: in parts.
  let received = Buffer.alloc(0);
  for (let at = 0; at < sent.length; at += 50_000) {
    stream.send(sent.subarray(at, at + 50_000), later());
    while (received.length < at + 50_000) {
      received = Buffer.concat([received, stream.receive(later()) ?? new Uint8Array()]);
    }
  }
  expect(received.equals(sent)).toBe(true);
  stream.close();
});

test("each received piece is the caller's own", async () => {
  await serve((socket) => void socket.on("data", (data) => socket.write(data)));
  const stream = connectUnix(ffi, path, later());
  stream.send(Buffer.from("one"), later());
  const one = stream.receive(later());
  stream.send(Buffer.from("two"), later());
  stream.receive(later());
  expect(Buffer.from(one ?? []).toString()).toBe("one");
  stream.close();
});

test("a message larger than the buffers is sent whole", async () => {
  await serve((socket) => {
    let length = 0;
    socket.on("data", (data) => {
      length += data.length;
      if (length === 3_000_000) socket.end("all");
    });
  });
  const stream = connectUnix(ffi, path, later());
  stream.send(new Uint8Array(3_000_000), later());
  expect(Buffer.from(stream.receive(later()) ?? []).toString()).toBe("all");
  expect(stream.receive(later())).toBeUndefined();
  stream.close();
});

test("a silent peer ends the wait at the deadline", async () => {
  await serve((socket) => void socket.pause());
  const stream = connectUnix(ffi, path, later());
  for (const act of [
    () => stream.receive(soon()),
    () => stream.receive(deadlineIn(clock, 0)),
    () => stream.send(new Uint8Array(30_000_000), soon()),
  ]) {
    const fault = thrownBy(act);
    expect(fault).toBeInstanceOf(Failure);
    expect(fault).toMatchObject({ kind: "try-again" });
    expect(String(fault)).toMatch(/Cannot (receive from|send to) ".*socket": the time is up/);
  }
  stream.close();
});

test("a server that accepts nobody ends the wait at the deadline", async () => {
  // The kernel connects for it until its backlog is full.
  const listening = ffi.call("socket", 1, 1, 0);
  const address = Buffer.from(`\x01\0${path}\0`);
  expect(ffi.call("bind", listening, address, address.length)).toBe(0);
  expect(ffi.libc("listen")(listening, 0)).toBe(0);
  const streams = [connectUnix(ffi, path, later())];
  const fault = thrownBy(() => {
    for (let more = 0; more < 8; more += 1) streams.push(connectUnix(ffi, path, soon()));
  });
  expect(fault).toMatchObject({ kind: "try-again" });
  for (const stream of streams) stream.close();
  ffi.call("close", listening);
});

test("a peer that closes is the end of the stream; sending to it is EPIPE, not a signal", async () => {
  await serve((socket) => void socket.destroy());
  const stream = connectUnix(ffi, path, later());
  expect(stream.receive(later())).toBeUndefined();
  const fault = thrownBy(() => {
    for (let more = 0; more < 3; more += 1) stream.send(Buffer.from("x"), later());
  });
  expect(refusedWith(fault, "EPIPE")).toBe(true);
  stream.close();
});

test("a peer that closes without reading all is the end of the stream too", async () => {
  await serve((socket) => void setTimeout(() => socket.destroy(), 200), { pauseOnConnect: true });
  const stream = connectUnix(ffi, path, later());
  stream.send(Buffer.from("never read"), later());
  expect(stream.receive(later())).toBeUndefined();
  stream.close();
});

test("no socket, a dead socket and a file are told apart", async () => {
  const absent = thrownBy(() => connectUnix(ffi, path, later()));
  expect(refusedWith(absent, "ENOENT")).toBe(true);
  expect(absent).toMatchObject({ kind: "io", call: "connect", subject: `"${path}"`, number: 2 });

  const fd = ffi.call("socket", 1, 1, 0);
  const address = Buffer.from(`\x01\0${path}\0`);
  expect(ffi.call("bind", fd, address, address.length)).toBe(0);
  ffi.call("close", fd);
  const dead = thrownBy(() => connectUnix(ffi, path, later()));
  expect(refusedWith(dead, "ECONNREFUSED")).toBe(true);
  expect((dead as SysError).message).toBe(
    `Cannot connect to "${path}": nobody listens there (ECONNREFUSED)`,
  );
});

test("a path of 107 bytes is the longest", async () => {
  const longest = join(folder, "s".repeat(107 - folder.length - 1));
  expect(
    refusedWith(
      thrownBy(() => connectUnix(ffi, longest, later())),
      "ENOENT",
    ),
  ).toBe(true);
  const fault = thrownBy(() => connectUnix(ffi, `${longest}s`, later()));
  expect(fault).toMatchObject({ kind: "io" });
  expect(String(fault)).toMatch(/can't be longer than 107 bytes$/);
});
