/**
 * Runs one call of processExec under whichever runtime this is started with:
 * `exec-probe.ts isFile <path>` or `exec-probe.ts run <path> <ms> <bytes of stdin | text>`.
 */
import { deadlineIn } from "../../../lib/deadline.ts";
import { processExec } from "../../../lib/sys/exec.ts";

const [verb, path = "", ms = "0", stdin = ""] = process.argv.slice(2);
const exec = processExec();
if (verb === "isFile") console.log(JSON.stringify(await exec.isFile(path)));
else {
  const bytes = /^\d+$/.test(stdin) ? new Uint8Array(Number(stdin)) : Buffer.from(stdin);
  const env = { CNI_COMMAND: "ADD", GONE: undefined };
  const deadline = deadlineIn(() => performance.now(), Number(ms));
  const { stdout, stderr, ...how } = await exec.run({ path, env, stdin: bytes }, deadline);
  const cut = (text: string) => (text.length > 1000 ? `${text.length} characters` : text);
  console.log(JSON.stringify({ ...how, stdout: cut(stdout), stderr: cut(stderr) }));
}
