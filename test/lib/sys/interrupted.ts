/**
 * A program for system.test.ts: sleeps, and waits on a socket, while signals come in. Its argument
 * is the socket's path.
 */
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import { writeText } from "../../../lib/sys/io.ts";
import { sinceBoot, sleep } from "../../../lib/sys/time.ts";
import { connectUnix } from "../../../lib/sys/unix-stream.ts";
import { textOfBytes } from "../../../lib/text.ts";

const ffi = openFfi();
process.on("SIGUSR2", () => {});
const deadline = deadlineIn(() => performance.now(), 20_000);
const stream = connectUnix(ffi, process.argv[2] ?? "", deadline);
writeText(ffi, 1, "ready\n", "stdout");
const before = sinceBoot(ffi);
sleep(ffi, 500);
const slept = sinceBoot(ffi) - before;
const received = textOfBytes(stream.receive(deadline) ?? new Uint8Array());
writeText(ffi, 1, JSON.stringify({ whole: slept >= 500, received }), "stdout");
