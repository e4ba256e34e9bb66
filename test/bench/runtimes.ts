/**
 * The executables with Bun in them and those with Node, timed in turn as whole processes in one run:
 * what each costs to start, for an ADD, in memory and on disk.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openLab } from "../lab/lab.ts";
import { executablesOf } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { readAnew } from "./read-anew.ts";
import { formatRuntimes, type Samples } from "./report.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const options = {
  rounds: { type: "string", default: "40" },
  runtimes: { type: "boolean" },
} as const;
const rounds = Number(parseArgs({ options }).values.rounds);
const runtimes = ["bun", "node"] as const;
const empties = { bun: at("dist/bench/empty"), node: at("dist/bench/empty-node") };

const lab = openLab();
const folder = mkdtempSync(join(tmpdir(), "sp-bench-"));
lab.onClose(() => rmSync(folder, { recursive: true, force: true }));
process.on("SIGINT", () => void lab.close().finally(() => process.exit(130)));
try {
  // On a tmpfs, as /run is where systemd is: a rename on ext4 waits for the disk.
  const runDir = join(mkdtempSync("/dev/shm/sp-bench-"), "run");
  lab.onClose(() => rmSync(dirname(runDir), { recursive: true, force: true }));
  const node = await lab.startNode({ config: { runDir } });
  const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
  const pathOf = (runtime: (typeof runtimes)[number]) =>
    join(executablesOf(runtime), "socketplane");
  const plan = {
    rounds,
    executables: executablesOf("bun"),
    empty: empties.bun,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SOCKETPLANE_CONFIG: node.config },
    rivals: Object.fromEntries(
      runtimes.map((runtime) => [runtime, { path: pathOf(runtime), conf }]),
    ),
    statuses: runtimes.flatMap((runtime) => [
      { what: `${runtime} STATUS`, path: pathOf(runtime), conf },
      { what: `${runtime} empty`, path: empties[runtime], conf: {} },
    ]),
  };
  const [input, output] = [join(folder, "plan.json"), join(folder, "samples.json")];
  writeFileSync(input, JSON.stringify(plan));
  readAnew(plan.statuses.map(({ path }) => path));
  await must({
    argv: [at("node_modules/.bin/bun"), "--no-env-file", at("test/bench/worker.ts"), input, output],
    netns: node.netns,
    env: plan.env,
    limitMs: 900_000,
  });
  const samples: Samples = JSON.parse(readFileSync(output, "utf8"));
  const sizes = runtimes.map((runtime) => [
    `${runtime} size`,
    [statSync(pathOf(runtime)).size / 2 ** 20],
  ]);
  console.log(formatRuntimes({ ...samples, ...Object.fromEntries(sizes) }, runtimes, rounds));
} finally {
  await lab.close();
}
