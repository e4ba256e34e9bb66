/**
 * A program for detached.test.ts: deletes links of its namespace with a child, and says what it
 * saw. Its arguments are the programs to start as the child, parted by commas, and the link's name;
 * a third one leaves the deletion to the child.
 */
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import { reasonOf } from "../../../lib/errors.ts";
import { startDeleting } from "../../../lib/sys/detached.ts";
import { writeText } from "../../../lib/sys/io.ts";

const F_GETFD = 1;
const [, , programs = "", name = "", leave] = process.argv;
const ffi = openFfi();

function outcome(): string {
  const deletion = startDeleting(ffi, name, programs === "" ? [] : programs.split(","));
  if (deletion === undefined) return "absent";
  if (leave === undefined) deletion.finish(deadlineIn(() => performance.now(), 1000));
  return "done";
}

let said: string;
try {
  said = outcome();
} catch (fault) {
  said = reasonOf(fault);
}
const streams = [0, 1, 2].map((stream) => ffi.call("fcntl", stream, F_GETFD));
writeText(ffi, 1, JSON.stringify({ said, streams }), "stdout");
ffi.call("exit_group", 0);
