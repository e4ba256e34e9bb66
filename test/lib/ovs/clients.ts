/** Clients of a real switch, on real sockets. */
import { openFfi } from "#ffi";
import { type Deadline, deadlineIn } from "../../../lib/deadline.ts";
import { openDatabase } from "../../../lib/ovs/database.ts";
import { openFlows } from "../../../lib/ovs/flows.ts";
import type { ByteStream } from "../../../lib/stream.ts";
import { sleep } from "../../../lib/sys/time.ts";
import { connectUnix } from "../../../lib/sys/unix-stream.ts";

const ffi = openFfi();

/** A deadline `ms` milliseconds from now; far away, if it is not what is tested. */
export const within = (ms = 30_000): Deadline => deadlineIn(() => performance.now(), ms);

export const connect = (runDir: string, socket: string): ByteStream =>
  connectUnix(ffi, `${runDir}/${socket}`, within());

/** Connects to a socket that is about to be made. */
export function connectSoon(runDir: string, socket: string): ByteStream {
  const deadline = within(10_000);
  for (;;) {
    try {
      return connect(runDir, socket);
    } catch (fault) {
      if (deadline.left() === 0) throw fault;
      sleep(ffi, 5);
    }
  }
}

export const databaseOf = (runDir: string) => openDatabase(connect(runDir, "db.sock"));

export const flowsOf = (runDir: string, bridge: string) =>
  openFlows(connect(runDir, `${bridge}.mgmt`));
