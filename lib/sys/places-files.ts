/** The driver of Places (places.ts). */
import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Failure, reasonOf } from "../errors.ts";
import type { Places } from "./places.ts";

const anyExecute = 0o111;

export const openPlaces = (): Places => ({
  absolute: (path) => resolve(path),
  program: (path) => {
    try {
      // One that leads nowhere is as absent as none.
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return "absent";
      if (!stat.isFile()) return "not a file";
      return (stat.mode & anyExecute) === 0 ? "not executable" : "there";
    } catch {
      return "hidden";
    }
  },
  names: (folder) => {
    try {
      const stat = statSync(folder, { throwIfNoEntry: false });
      return stat && readdirSync(folder);
    } catch (fault) {
      throw new Failure("io", `Cannot look into "${folder}": ${reasonOf(fault)}`, { cause: fault });
    }
  },
  says: (path, args, patienceMs) =>
    new Promise((done) => {
      const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
      execFile(path, [...args], { env, timeout: patienceMs }, (_, stdout, stderr) => {
        done(`${stdout}${stderr}`.trim() || undefined);
      });
    }),
});
