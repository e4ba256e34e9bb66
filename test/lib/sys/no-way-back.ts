/** A program for netns.test.ts: enters a namespace and finds the way back closed. */
import { openFfi } from "#ffi";
import type { Ffi } from "../../../lib/sys/ffi.ts";
import { writeText } from "../../../lib/sys/io.ts";
import { inside, openNetns } from "../../../lib/sys/netns.ts";

const ffi = openFfi();
const netns = openNetns(ffi, process.argv[2] ?? "");
let entered = false;
const oneWay: Ffi = {
  ...ffi,
  call: (name, ...args) => {
    if (name !== "setns") return ffi.call(name, ...args);
    if (entered) return -1;
    entered = true;
    return ffi.call(name, ...args);
  },
};
if (netns !== undefined) inside(oneWay, netns, () => writeText(ffi, 1, "inside\n", "stdout"));
writeText(ffi, 1, "went on\n", "stdout");
