/** A program for io.test.ts: writes what it reads, on streams that do not block. */
import { openFfi } from "#ffi";
import { reasonOf } from "../../../lib/errors.ts";
import { O, readText, writeText } from "../../../lib/sys/io.ts";

const F_SETFL = 4;
const ffi = openFfi();
for (const stream of [0, 1]) ffi.call("fcntl", stream, F_SETFL, O.nonblock);
let status = 0;
try {
  writeText(ffi, 1, readText(ffi, 0, "stdin"), "stdout");
} catch (fault) {
  writeText(ffi, 2, `${reasonOf(fault)}\n`, "stderr");
  status = 3;
}
ffi.call("exit_group", status);
