/**
 * A program that runs as long as we do: the driver of StartChild (background.ts).
 *
 * It is killed by the kernel when we are (PR_SET_PDEATHSIG), so that none is left that nobody looks
 * after; by setpriv(1), which sets that and becomes the program. In a session of its own: what is
 * typed on a terminal is for us, and we end it in our own time.
 * Sources: prctl(2), setpriv(1), setsid(2).
 */
import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import type { StartChild } from "./background.ts";
import { endOf, readLines } from "./background-processes.ts";

/** util-linux; where distributions have it. */
const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"];

export const startChild: StartChild = ({ path, args, env }, onLine) => {
  const dying = setpriv.find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
  const argv =
    dying === undefined ? [path, ...args] : [dying, "--pdeathsig", "KILL", path, ...args];
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, {
    env,
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const streams = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
  return {
    pid: child.pid,
    // Its last words come before its end.
    ended: endOf(child).then(async (end) => {
      await Promise.race([Promise.all(streams), new Promise((done) => setTimeout(done, 1_000))]);
      return end;
    }),
    send: (signal) => void child.kill(signal),
  };
};
