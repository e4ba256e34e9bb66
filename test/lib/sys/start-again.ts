/** Starts itself again in the background, logging to a file, and ends; the second says what it is. */
import { readFileSync } from "node:fs";
import { openFfi } from "#ffi";
import { openBackgroundProcesses } from "../../../lib/sys/background-processes.ts";

const [log = ""] = process.argv.slice(2);
if (log === "again") {
  const [, , , , , session] = readFileSync("/proc/self/stat", "utf8").split(" ");
  // What a runtime sets for itself is not meant.
  const { ONLY } = process.env;
  const about = { cwd: process.cwd(), env: { ONLY }, session: Number(session) };
  console.log(`I am ${process.pid} ${JSON.stringify(about)}`);
  setInterval(() => {}, 1_000);
} else {
  const { letGo } = openBackgroundProcesses(openFfi()).startAgain(["again"], { ONLY: "this" }, log);
  letGo();
}
