/** The operator's command, and the agent, with either runtime in them: they say the same. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leavesOf } from "../../lib/cli/command.ts";
import { entries } from "../../lib/cli/groups.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { run, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { alike, lineOf, logged, openSides, type Side, type Sides, said, same } from "./both.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};

let lab: Lab;
let sides: Sides;
beforeAll(async () => {
  lab = openLab();
  sides = await openSides(lab, conf);
  expect(await alike(sides, async ({ cni }) => said(await cni("ADD")))).toMatchObject({
    status: 0,
  });
});
afterAll(() => lab.close());

const typed = (...words: readonly string[]) =>
  alike(sides, async ({ type }) => said(await type(...words)));

/** A word's line is split at its spaces. */
const words = (line: string) => line.split(" ").filter((word) => word !== "");

test("help of every word is the same", async () => {
  const paths = entries.flatMap((entry) => leavesOf(entry).map(({ path }) => path));
  const all = new Set([
    "",
    ...paths.flatMap((path) => path.map((_, at) => path.slice(0, at + 1).join(" "))),
  ]);
  for (const path of all) {
    const { status, stdout } = await typed(...words(path), "--help");
    expect({ path, status }).toEqual({ path, status: 0 });
    expect(stdout).toContain("Examples:");
  }
});

describe("the same is answered to", () => {
  test.each<[string, number]>([
    ["", 2],
    ["--version", 0],
    ["help network create", 0],
    ["netwrk list", 2],
    ["network", 2],
    ["network crate x 10.9.0.0/16", 2],
    ["network create", 2],
    ["network create x", 0],
    ["network delete x", 0],
    ["network create x 10.2.0.0/33 --mtu 1 --vni 0 --block-length 7", 2],
    ["network create x 10.2.0.0/16", 1],
    ["network create db 10.3.0.0/24 --subnet6 fd00:3::/64 --mtu 1400 --no-masquerade", 0],
    ["network create db 10.3.0.0/24", 1],
    ["network list", 0],
    ["network list -o json", 0],
    ["network list -o table", 0],
    ["network list -o yaml", 2],
    ["network list --colour", 2],
    ["network list --quiet -o table", 0],
    ["network show", 2],
    ["network show web", 0],
    ["network show web -o table", 0],
    ["network show nowhere", 1],
    ["network allow web db", 0],
    ["network allow web web", 2],
    ["network show web -o table", 0],
    ["network deny web db", 0],
    ["network delete db", 0],
    ["network delete web", 1],
    ["network delete nowhere", 1],
    ["lease list", 0],
    ["lease list -o table", 0],
    ["address list", 0],
    ["address list -o table", 0],
    ["address list nowhere", 2],
    ["node list", 0],
    ["node list -o table", 0],
    ["node show node", 0],
    ["node show nowhere", 1],
    ["node remove nowhere", 1],
    ["cluster status", 0],
    ["cluster token list", 0],
    ["agent status", 1],
    ["agent logs", 1],
    ["agent run extra", 2],
    ["ps", 0],
    ["ps -o table", 0],
    ["logs nowhere", 1],
    ["stop nowhere", 1],
    ["rm nowhere", 1],
    ["exec nowhere true", 125],
    ["run", 2],
    ["run --network nowhere true", 125],
    ["run --network web no-such-program", 127],
    ["run --network web sh -c exit\u00a07", 7],
    ["completion bash", 0],
    ["completion fish", 0],
    ["completion tcsh", 2],
    ["--config /nowhere/node.json network list", 1],
    ["network list --config /", 1],
    ["network list --config /etc/hostname", 1],
    ["install --root /dev/null/x", 1],
  ])("%s", async (line, status) => {
    const answer = await typed(...words(line).map((word) => word.replace("\u00a0", " ")));
    expect.soft({ line, status: answer.status }).toEqual({ line, status });
  });

  test("info, of one machine: ports have numbers by chance", async () => {
    const [{ node }] = sides;
    for (const format of ["json", "table"]) {
      const { stdout } = await same((of) => run(lineOf(of, node, "info", "-o", format)));
      expect(stdout).toContain("10.2.0.3");
    }
  });

  test("version, but for the runtime's own", async () => {
    const shown = await alike(sides, async ({ type }) => {
      const { status, stdout } = await type("version");
      return { status, stdout: stdout.replace(/(Bun|Node) [\d.]+/, "a runtime") };
    });
    expect(shown.stdout).toContain("a runtime");
  });
});

/** One of each, as an agent says it when it comes to it. */
const distinct = (stderr: string) =>
  [
    ...new Set(
      stderr
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.stringify(logged(line))),
    ),
  ].sort();

/** What it hears of while it starts is looked at then, or by itself: that depends on the moment. */
const withoutStart = (metrics: string) =>
  metrics.replace(/^socketplane_syncs_total\{why="(?:start|store read|first sight)".*\n/gm, "");

test("an agent says, answers and mends the same", async () => {
  const seen = await alike(sides, async ({ of, node }: Side) => {
    const line = lineOf(of, node, "agent", "run");
    const argv = ["setpriv", "--pdeathsig", "KILL", ...line.argv];
    const running = start({ ...line, argv, limitMs: 600_000 });
    lab.onClose(() => running.kill("SIGKILL"));
    const ask = async (path: string, ...more: readonly string[]) => {
      const url = `http://127.0.0.1:9478${path}`;
      const { stdout } = await run({
        netns: node.netns,
        argv: ["curl", "-si", "-m", "9", ...more, url],
      });
      return stdout.replace(/^date: .*\r\n/im, "");
    };
    await until("that it is well", async () => (await ask("/healthz")).includes(" 200 "));
    const flows = () => node.ovs.ofctl("dump-flows", "sp0", "--no-stats").split("\n").length;
    const usual = flows();
    node.ovs.ofctl("del-flows", "sp0", "table=0");
    running.kill("SIGHUP");
    await until("the flows", () => flows() === usual);
    await running.says(/put the switch's flows right/);
    const answers = [
      await ask("/healthz"),
      await ask("/nowhere"),
      await ask("/healthz", "-d", "x"),
    ];
    const metrics = withoutStart(await ask("/metrics")).replace(/ [-\d.e+]+$/gm, " <number>");
    running.kill("SIGTERM");
    const { status, signal, stdout, stderr } = await running.outcome;
    return { status, signal, stdout, log: distinct(stderr), answers, metrics };
  });
  expect(seen).toMatchObject({ status: 0 });
  expect(seen.log.length).toBeGreaterThan(4);
});

test("nothing is left of all that", async () => {
  expect(await alike(sides, async ({ cni }) => said(await cni("DEL")))).toMatchObject({
    status: 0,
  });
  for (const { node } of sides) await assertNothingLeft([node]);
});
