/**
 * A process whose standard output and error go to a log file: `FILE BYTES COUNT MS` writes COUNT
 * numbered lines there, MS milliseconds apart, and then something by the runtime's own stream.
 */
import { openFfi } from "#ffi";
import { logToFile } from "../../../lib/sys/rotating-log.ts";

const [path = "", bytes, count, ms] = process.argv.slice(2);
const write = logToFile(openFfi(), path, { bytes: Number(bytes), files: 3 });
for (let number = 0; number < Number(count); number += 1) {
  write(`line ${number}\n`);
  if (Number(ms) > 0) await new Promise((resolve) => setTimeout(resolve, Number(ms)));
}
console.error("the runtime's own");
