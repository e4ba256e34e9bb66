/**
 * Times whole processes, ours and Debian's plugins in turn, in one run: what counts is the ratio,
 * since machines differ and are noisy.
 *
 * This side makes a lab (one simulated machine with an Open vSwitch of its own); worker.ts runs
 * inside it, under Bun, whose spawn costs less than Node's and tells each child's memory.
 * Two rivals: *plain*, bridge and host-local with neither gateway nor NAT; and *as shipped*, with
 * isGateway and ipMasq, as containerd's and podman's default lists have it: the work that we do.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openLab } from "../lab/lab.ts";
import { executables } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { readAnew } from "./read-anew.ts";
import { formatReport, type Samples } from "./report.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const usage = "usage: npm run bench [-- --rounds N] [--json FILE]    (N: 5 or more)";
const values = readArguments();
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 5) {
  console.error(usage);
  process.exit(2);
}

function readArguments() {
  try {
    const rounds = { type: "string", default: "60" } as const;
    return parseArgs({ options: { rounds, json: { type: "string" } } }).values;
  } catch {
    console.error(usage);
    process.exit(2);
  }
}

const subnet = (third: number) => `10.${third}.0.0/16`;
const routes = [{ dst: "0.0.0.0/0" }];

const lab = openLab();
const folder = mkdtempSync(join(tmpdir(), "sp-bench-"));
lab.onClose(() => rmSync(folder, { recursive: true, force: true }));
process.on("SIGINT", () => void lab.close().finally(() => process.exit(130)));
try {
  // On a tmpfs, as /run is where systemd is: a rename on ext4 waits for the disk.
  const runDir = join(mkdtempSync("/dev/shm/sp-bench-"), "run");
  lab.onClose(() => rmSync(dirname(runDir), { recursive: true, force: true }));
  const node = await lab.startNode({ config: { runDir } });
  const hostLocal = (name: string, third: number) => ({
    type: "host-local",
    dataDir: join(folder, name),
    subnet: subnet(third),
    routes,
  });
  const common = { cniVersion: "1.0.0" };
  // STATUS came with that version.
  const asked = { cniVersion: "1.1.0", name: "ours" };
  const plan = {
    rounds,
    executables,
    empty: at("dist/bench/empty"),
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SOCKETPLANE_CONFIG: node.config },
    statuses: [
      {
        what: "ours STATUS",
        path: join(executables, "socketplane"),
        conf: { ...asked, type: "socketplane", subnet: subnet(2) },
      },
      {
        what: "ours STATUS of IPAM",
        path: join(executables, "socketplane-ipam"),
        conf: { ...asked, type: "bridge", ipam: { type: "socketplane-ipam", subnet: subnet(2) } },
      },
    ],
    rivals: {
      ours: {
        path: join(executables, "socketplane"),
        conf: { ...common, name: "ours", type: "socketplane", subnet: subnet(2) },
      },
      plain: {
        path: "/usr/lib/cni/bridge",
        conf: {
          ...common,
          name: "plain",
          type: "bridge",
          bridge: "cni-plain",
          ipam: { ...hostLocal("plain", 3), routes: [] },
        },
      },
      shipped: {
        path: "/usr/lib/cni/bridge",
        conf: {
          ...common,
          name: "shipped",
          type: "bridge",
          bridge: "cni-shipped",
          isGateway: true,
          ipMasq: true,
          hairpinMode: true,
          ipam: hostLocal("shipped", 4),
        },
      },
    },
  };
  const input = join(folder, "plan.json");
  const output = join(folder, "samples.json");
  writeFileSync(input, JSON.stringify(plan));
  readAnew([plan.empty, ...Object.values(plan.rivals).map(({ path }) => path)]);
  await must({
    argv: [at("node_modules/.bin/bun"), "--no-env-file", at("test/bench/worker.ts"), input, output],
    netns: node.netns,
    env: plan.env,
    limitMs: 600_000,
  });
  const samples = JSON.parse(readFileSync(output, "utf8")) as Samples;
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(samples));
  console.log(formatReport(samples, rounds));
} finally {
  await lab.close();
}
