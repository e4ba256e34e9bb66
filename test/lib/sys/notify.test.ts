/** What a service manager hears: a real socket, by path and by abstract name. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { notifyReady } from "../../../lib/sys/notify.ts";
import { openSocket } from "../../../lib/sys/socket.ts";
import { bytesOfText, textOfBytes } from "../../../lib/text.ts";

const ffi = openFfi();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-notify-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** Hears what comes of it at an address. */
function hear(address: string, say: () => void): string {
  const socket = openSocket(ffi, AF_UNIX, SOCK_DGRAM, 0);
  try {
    const name = bytesOfText(address.replace(/^@/, "\0"));
    const at = Uint8Array.of(AF_UNIX, 0, ...name);
    expect(ffi.call("bind", socket, at, at.length)).toBe(0);
    say();
    const heard = new Uint8Array(100);
    const length = ffi.call("recvfrom", socket, heard, heard.length, MSG_DONTWAIT);
    return textOfBytes(heard.subarray(0, length));
  } finally {
    ffi.call("close", socket);
  }
}

test("that the service is ready, wherever it listens", () => {
  const path = join(folder, "notify");
  for (const address of [path, `@${path}`]) {
    expect(hear(address, () => notifyReady(ffi, address))).toBe("READY=1");
  }
});

test("nothing, where nobody listens or asks", () => {
  for (const address of [undefined, "", "/", "relative", join(folder, "none")]) {
    notifyReady(ffi, address);
  }
});
