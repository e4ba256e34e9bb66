/** A program for dir.test.ts: takes a lock, says so, and holds it until it is killed. */
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { LockMode } from "../../../lib/dir.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { sleep } from "../../../lib/sys/time.ts";

const [, , path = "", what = ""] = process.argv;
const ffi = openFfi();
const deadline = deadlineIn(() => performance.now(), 10_000);
const dir = makeDir(ffi, path);
if (/^\d+$/.test(what)) dir.lockRange("numbers", BigInt(what), deadline);
else dir.lock("lock", what as LockMode, deadline);
console.log("locked");
sleep(ffi, 60_000);
