/**
 * STATUS by itself, in the executables with Bun in them: runtimes ask every few seconds, and nearly
 * each time all is well. *Measured*: what can say no more than that takes a tenth less time, its start
 * included, and socketplane-ipam's an eighth. Where it is not well, the whole program finds out why.
 */
import { openFfi } from "#ffi";
import { parseRequest } from "../lib/cni/request.ts";
import type { Io } from "../lib/cni/run.ts";
import { type Input, readInput } from "../lib/cni/stdin.ts";
import { openDatabase } from "../lib/ovs/database.ts";
import { openAsking } from "../lib/ovs/flows.ts";
import { honoured } from "../lib/plugin/config.ts";
import { type Glance, isIpamWell, isWell } from "../lib/plugin/well.ts";
import { openDir } from "../lib/sys/dir.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { readFile } from "../lib/sys/io.ts";
import { bootId } from "../lib/sys/kernel-driver.ts";
import { sinceBoot } from "../lib/sys/time.ts";
import { connectUnix } from "../lib/sys/unix-stream.ts";
import { calledAs, processIo } from "./io.ts";

export async function main(): Promise<void> {
  const ffi = openFfi();
  const io = processIo(ffi, process.env);
  const input = readInput(io, "STATUS");
  if (isAllWell(ffi, io, input)) ffi.call("exit_group", 0);
  const whole = await import("#main");
  await whole.main(input);
}

function isAllWell(ffi: Ffi, io: Io, input: Input): boolean {
  try {
    const isIpam = calledAs() === "socketplane-ipam";
    const request = parseRequest("STATUS", io.env, input, () => (isIpam ? "any" : honoured));
    if (request.command !== "STATUS") return false;
    return (isIpam ? isIpamWell : isWell)(glanceOf(ffi, io), request);
  } catch {
    return false;
  }
}

const glanceOf = (ffi: Ffi, { env, clock }: Io): Glance => ({
  env,
  clock,
  readFile: (path) => readFile(ffi, path),
  openDir: (path) => openDir(ffi, path),
  bootId: () => bootId(ffi),
  sinceBoot: () => sinceBoot(ffi),
  openDatabase: (path, deadline) => openDatabase(connectUnix(ffi, path, deadline)),
  openFlows: (path, deadline) => openAsking(connectUnix(ffi, path, deadline)),
});
