/**
 * A program for programs.test.ts: starts another in a namespace, hands signals on to it, says how it
 * ended, and ends likewise. `run-program.ts NETNS LOG|- WORD...`
 */
import { openFfi } from "#ffi";
import { writeText } from "../../../lib/sys/io.ts";
import { openNetns } from "../../../lib/sys/netns.ts";
import { openProcessTable } from "../../../lib/sys/process-table.ts";
import { openPrograms } from "../../../lib/sys/programs.ts";

const ffi = openFfi();
const [, , path = "", log = "", ...argv] = process.argv;
const say = (words: string) => writeText(ffi, 1, `${words}\n`, "stdout");
const netns = openNetns(ffi, path);
if (netns === undefined) throw new Error(`${path} is not there`);

if (process.env.AGAIN === "asked") {
  const { said, status } = await openPrograms(ffi).startAgain({ AGAIN: "started" });
  say(`first: ${said.trim()} ${status}`);
  ffi.call("exit_group", 0);
}
const programs = openPrograms(ffi);
const relay = programs.relay();
const streams = log === "-" ? "ours" : ({ log, stdin: "kept open" } as const);
const started = await programs.start({ argv, env: process.env, netns, streams });
if (started.how === "refused") {
  say(`refused: ${started.errno}`);
  ffi.call("exit_group", 126);
} else {
  relay.to(started.process);
  const table = openProcessTable(ffi);
  const inThere = table.netnsOf(started.process.pid) === netns.id;
  say(`started: ${started.process.pid} ${table.lives(started.process)} ${inThere}`);
  if (process.env.AGAIN === "started") programs.letGo();
  const status = await started.ended;
  say(`ended: ${status} ${relay.caught()} ${table.lives(started.process)}`);
  relay.release();
  ffi.call("exit_group", status);
}
