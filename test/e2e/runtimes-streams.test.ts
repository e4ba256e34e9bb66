/** The executables with either runtime in them, however they are started, fed, read and ended. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { run, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import {
  alike,
  lineOf,
  openSides,
  pathOf,
  type Runtime,
  type Side,
  type Sides,
  said,
} from "./both.ts";

/** The same address each time: they are given in turn. */
const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  args: { cni: { ips: ["10.2.0.40/16"] } },
};

let lab: Lab;
let sides: Sides;
beforeAll(async () => {
  lab = openLab();
  sides = await openSides(lab, conf);
  await alike(sides, async ({ cni }) => said(await cni("ADD")));
  await alike(sides, async ({ cni }) => said(await cni("DEL")));
});
afterAll(() => lab.close());

const del = async ({ cni }: Side) => said(await cni("DEL"));

/** By a shell; "$@" is the command, and fd 3 what it should be given. */
const ways: readonly (readonly [string, string])[] = [
  ["no stdin", 'exec "$@" <&-'],
  ["a folder as stdin", 'exec "$@" </'],
  ["an empty stdin", 'exec "$@" </dev/null'],
  ["zeros without an end", 'exec "$@" </dev/zero'],
  ["a stdin that can't be read", 'exec "$@" 0>/dev/null'],
  ["a stdin that comes in pieces", '{ head -c 20 <&3; sleep 0.1; cat <&3; } | "$@"'],
  ["a stdin that ends in the middle", 'head -c 40 <&3 | "$@"'],
  ["a byte order mark", "{ printf '\\357\\273\\277'; cat <&3; } | \"$@\""],
  ["a NUL behind it", "{ cat <&3; printf '\\0'; } | \"$@\""],
  ["more behind it", '{ cat <&3; echo "{}"; } | "$@"'],
  ["bytes that are no text", '{ printf \'{"name":"\\377\\376"}\'; } | "$@"'],
  ["the same key twice", '{ echo \'{"name":"a",\'; tail -c +2 <&3; } | "$@"'],
  ["a number for all", 'echo 17 | "$@"'],
  ["deep nesting", 'head -c 200000 /dev/zero | tr "\\0" "[" | "$@"'],
  ["17 MB of spaces", 'head -c 17000000 /dev/zero | tr "\\0" " " | "$@"'],
  ["a large number", 'echo \'{"cniVersion":"1.1.0","name":"web","mtu":1e999}\' | "$@"'],
  ["no stdout", 'exec "$@" >&-'],
  ["a stdout that takes nothing", 'exec "$@" >/dev/full'],
  ["a stdout that nobody reads", 'mkfifo $F; exec 4<>$F 5>$F 4<&-; exec "$@" >&5 5>&-'],
  ["no stderr", 'exec "$@" 2>&-'],
  ["a stderr that takes nothing", 'exec "$@" 2>/dev/full'],
  ["no stream at all", 'exec "$@" <&- >&- 2>&-'],
  ["files that may not grow", 'ulimit -f 0; exec "$@"'],
  ["nothing in the environment", 'exec env -i CNI_COMMAND=$CNI_COMMAND "$@"'],
  ["a variable that is no text", "CNI_ARGS=$(printf 'A=\\377') exec \"$@\""],
  ["another user", 'exec setpriv --reuid=65534 --clear-groups "$@"'],
  ["its signals ignored", "trap '' INT TERM HUP PIPE; exec \"$@\""],
];

/** A stdin of its own: what is at fd 3 was given to the shell as its own. */
const shell = (script: string, of: Runtime) => [
  ...["env", `F=${join(lab.folder, `fifo-${of}-${randomUUID()}`)}`],
  ...["sh", "-c", `exec 3<&0; ${script}`, "sh"],
];

describe("it says and does the same with", () => {
  test.each(ways)("%s", async (_, script) => {
    for (const command of ["VERSION", "ADD"] as const) {
      await alike(sides, async ({ of, cni }) =>
        said(await cni(command, { under: shell(script, of) })),
      );
    }
    expect(await alike(sides, del)).toMatchObject({ status: 0 });
  });
});

test("a working directory that is gone stops Bun before our program begins, and not Node", async () => {
  const under = shell('mkdir $F; cd $F; rmdir $F; exec "$@"', "bun");
  const [bun, node] = await Promise.all(sides.map(({ cni }) => cni("ADD", { under })));
  expect(bun).toMatchObject({ status: 1, stdout: "" });
  expect(bun?.stderr).toContain("The current working directory was deleted");
  expect(node).toMatchObject({ status: 0 });
  expect(await alike(sides, del)).toMatchObject({ status: 0 });
});

/** Holds the switch's database up. */
function holdDatabase({ node }: Side): () => void {
  const pid = Number(readFileSync(join(node.ovs.runDir, "ovsdb-server.pid"), "utf8"));
  process.kill(pid, "SIGSTOP");
  return () => void process.kill(pid, "SIGCONT");
}

const signals = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGPIPE",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
] as const;

describe("a signal has the same end:", () => {
  test.each(signals)("%s, sent to an ADD under way", async (signal) => {
    await alike(sides, async (side) => {
      const { node, container, call } = side;
      const goOn = holdDatabase(side);
      try {
        const running = node.startCni(call("ADD"));
        const owner = join(node.runDir, `owners/web:${container.id}:eth0`);
        await until("the ADD under way", () => existsSync(owner));
        running.kill(signal);
        await Promise.race([running.outcome, sleep(100)]);
        goOn();
        return said(await running.outcome);
      } finally {
        goOn();
      }
    });
    expect(await alike(sides, del)).toMatchObject({ status: 0 });
  });

  test.each(signals)("%s, sent to a watch", async (signal) => {
    await alike(sides, async ({ of, node }) => {
      const running = start(lineOf(of, node, "network", "list", "--watch"));
      await running.says(/web/);
      running.kill(signal);
      await Promise.race([running.outcome, sleep(300)]);
      running.kill("SIGTERM");
      return said(await running.outcome);
    });
  });
});

test("it is itself by its name alone, and goes by that among processes", async () => {
  await alike(sides, async ({ of, node }) => {
    const { env, ...rest } = lineOf(of, node);
    const here = { ...rest, env: { ...env, PATH: `${dirname(pathOf(of))}:/usr/bin:/bin` } };
    const root = join(lab.folder, `root-${of}`);
    const installed = await run({ ...here, argv: ["socketplane", "install", "--root", root] });
    const watch = start({ ...here, argv: ["socketplane", "network", "list", "--watch"] });
    await watch.says(/web/);
    const name = readFileSync(`/proc/${watch.pid}/comm`, "utf8");
    watch.kill("SIGTERM");
    expect(await watch.outcome).toMatchObject({ status: 0 });
    expect({ name, installed }).toMatchObject({ name: "socketplane\n", installed: { status: 0 } });
    return said(installed);
  });
});

test("nothing is left of all that", async () => {
  for (const { node } of sides) await assertNothingLeft([node], { killed: true });
});
