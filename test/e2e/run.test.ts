/** `socketplane run` and what belongs to it, as people type it, on one machine. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { type Running, start } from "../lab/run.ts";
import { adopt, deserted, inBackground, listed, netnsOf, typed } from "../lab/runs.ts";
import { until } from "../lab/until.ts";

let lab: Lab;
let node: LabNode;
let outside: Outside;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode({ config: { logLevel: "error" } });
  outside = lab.addOutside(node);
  await typed(node, "network", "create", "default", "10.1.0.0/24");
});
afterEach(() => lab.close());

const run = (...args: readonly string[]) => node.socketplane("run", ...args);

/** Starts one in the foreground, and waits until its command says that it is ready. */
async function begun(...args: readonly string[]): Promise<Running> {
  const running = start({ ...node.operatorCommand("run", ...args), limitMs: 60_000 });
  lab.onClose(() => running.kill("SIGKILL"));
  await running.says(/^ready$/m);
  return running;
}

const sleeping = ["sh", "-c", "echo ready; exec sleep 60"];
const said = (...lines: readonly string[]) => `${lines.join("\n")}\n`;
const isGone = (pid: number | undefined) => () => !existsSync(`/proc/${pid}`);

describe("a command in the foreground", () => {
  test("is on the network as a container is, and leaves nothing", async () => {
    const look = "ip -o address; ip route; echo $A; pwd; cat; readlink /proc/self/ns/net";
    const command = node.operatorCommand("run", "-e", "A=b c", "sh", "-c", look);
    const { status, stdout } = await start({ ...command, stdin: "typed\n", cwd: lab.folder })
      .outcome;
    expect(status).toBe(0);
    expect(stdout).toMatch(/^1: lo +inet 127\.0\.0\.1\/8 .*\n/m);
    expect(stdout).toMatch(/^\d+: eth0 +inet 10\.1\.0\.3\/24 .*\n/m);
    expect(stdout).toMatch(/^default via 10\.1\.0\.1 dev eth0/m);
    const [, netns = ""] = /(net:\[\d+\])/.exec(stdout) ?? [];
    expect(stdout).toContain(`\nb c\n${lab.folder}\ntyped\n${netns}\n`);
    await deserted(netns);
    expect(await listed(node, "--all")).toEqual([]);
    await assertNothingLeft([node]);
  });

  test("reaches its gateway, the world, and others on its network only", async () => {
    await typed(node, "network", "create", "web", "10.2.0.0/24");
    const one = await inBackground(node, ...sleeping);
    const other = await inBackground(node, "--network", "web", ...sleeping);
    const asks = (...args: readonly string[]) => run(...args).then(({ status }) => status);
    expect(await asks("ping", "-nc1", "-W2", "10.1.0.1")).toBe(0);
    expect(await asks("ping", "-nc1", "-W2", outside.address)).toBe(0);
    expect(await asks("ping", "-nc1", "-W2", one.address ?? "")).toBe(0);
    expect(await asks("ping", "-nc1", "-W1", other.address ?? "")).toBe(1);
    expect(await ping(node.netns, one.address ?? "")).toBe(true);
    await assertSound([node]);
    await typed(node, "rm", "-f", one.name, other.name);
    await assertNothingLeft([node]);
  });

  test("gives its exit status, be it that of a signal", async () => {
    const status = async (...args: readonly string[]) => (await run(...args)).status;
    expect(await status("--", "true")).toBe(0);
    expect(await status("sh", "-c", "exit 42")).toBe(42);
    expect(await status("sh", "-c", "kill -SEGV $$")).toBe(139);
    expect(await status("-it", "sh", "-c", 'test "$1" = --name', "sh", "--name")).toBe(0);
    await assertNothingLeft([node]);
  });

  test("is handed the signals that are sent to us, and cleaned up after", async () => {
    const trap = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const running = await begun("sh", "-c", trap);
    running.kill("SIGTERM");
    expect(await running.outcome).toMatchObject({ status: 7, stdout: "ready\ncaught\n" });
    const deaf = await begun(...sleeping);
    deaf.kill("SIGINT");
    expect(await deaf.outcome).toMatchObject({ status: 130 });
    await assertNothingLeft([node]);
  });

  test("has the terminal, and what is typed on it once", async () => {
    const [script, screen] = [join(lab.folder, "script"), join(lab.folder, "screen")];
    const words =
      "trap 'echo caught; sleep 0.5; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    const [program = ""] = node.operatorCommand().argv;
    const line = `${program} --config ${node.config} run -it sh -c "${words}"`;
    writeFileSync(script, `#!/bin/sh\ntrap : INT\n${line}\necho status $?\n`, { mode: 0o755 });
    // Typed when the command is ready; script(1) ends with what it runs.
    const typing = `while ! grep -qs ready ${screen}; do sleep 0.05; done; printf '\\003'; sleep 1`;
    const both = `(${typing}) | script -qfec ${script} ${screen}`;
    const { stdout } = await start({ netns: node.netns, argv: ["sh", "-c", both] }).outcome;
    expect(stdout.replaceAll("\r", "")).toBe("ready\n^Ccaught\nstatus 3\n");
    await assertNothingLeft([node]);
  });

  test("is warned where resolv.conf names only a server at loopback", async () => {
    const file = join(lab.folder, "resolv.conf");
    writeFileSync(file, "nameserver 127.0.0.53\n");
    const mounted = `mount --bind ${file} /etc/resolv.conf && exec "$@"`;
    const { argv, ...command } = node.operatorCommand("run", "true");
    const inPrivate = ["unshare", "--mount", "sh", "-c", mounted, "sh", ...argv];
    const { status, stderr } = await start({ ...command, argv: inPrivate }).outcome;
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining("127.0.0.53"),
    });
    await assertNothingLeft([node]);
  });

  test("takes along at its end what it has left running", async () => {
    const left = "sleep 60 & echo $! $(readlink /proc/self/ns/net)";
    const { stdout, status } = await run("sh", "-c", `setsid ${left} >&2 & ${left}`);
    const [, pid, netns = ""] = /^(\d+) (\S+)$/m.exec(stdout) ?? [];
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${pid} ${netns}\n` });
    await deserted(netns);
    await assertNothingLeft([node]);
  });

  test("takes along this program too, where it runs in there", async () => {
    const watch = `${node.operatorCommand("lease", "list", "--watch").argv.join(" ")} >&2 &`;
    const words = `${watch} setsid ${watch} sleep 1; readlink /proc/self/ns/net`;
    const { stdout, status } = await run("sh", "-c", words);
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringMatching(/^net:/) });
    await deserted(stdout.trim());
    await assertNothingLeft([node]);
  });

  test("may be on two networks, with the address and the MAC that are asked for", async () => {
    await typed(node, "network", "create", "web", "10.2.0.0/24", "--subnet6", "fd00:2::/64");
    const asked = ["--ip", "10.2.0.77", "--mac", "02:00:00:00:00:77"];
    const { stdout, stderr } = await run(
      "-n",
      "web",
      "-n",
      "default",
      ...asked,
      "ip",
      "-o",
      "address",
    );
    // Of the machine's resolv.conf there may be a warning.
    expect(stderr).not.toContain("Cannot");
    expect(stdout).toMatch(/^\d+: eth0 +inet 10\.2\.0\.77\/24 /m);
    expect(stdout).toMatch(/^\d+: eth0 +inet6 fd00:2::a02:4d\/64 /m);
    expect(stdout).toMatch(/^\d+: eth1 +inet 10\.1\.0\.\d+\/24 /m);
    await assertNothingLeft([node]);
  });
});

describe("a command in the background", () => {
  test("is shown with its IPv6 address, where it has one", async () => {
    await typed(node, "network", "create", "six", "10.6.0.0/24", "--subnet6", "fd00:6::/64");
    const table = (...args: readonly string[]) => typed(node, ...args, "-o", "table");
    const one = await inBackground(node, "-n", "default", "--name", "four", ...sleeping);
    for (const lines of [["ps"], ["info"], ["address", "list", "--network", "default"]]) {
      expect(await table(...lines)).not.toContain("ADDRESS6");
    }
    const two = await inBackground(node, "-n", "six", "--name", "six", ...sleeping);
    for (const lines of [["ps"], ["info"], ["address", "list"]]) {
      expect(await table(...lines)).toMatch(
        / ADDRESS +ADDRESS6 .*\n(.*\n)*.* 10\.6\.0\.3 +fd00:6::a06:3 /,
      );
    }
    await typed(node, "rm", "-f", one.name, two.name);
    await assertNothingLeft([node]);
  });

  test("is listed, entered, asked for its words, ended and forgotten", async () => {
    const words = "trap 'echo ended; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    const one = await inBackground(node, "--name", "web", "sh", "-c", words);
    expect(one).toMatchObject({
      name: "web",
      state: "running",
      network: "default",
      address: "10.1.0.3",
      detached: true,
      argv: ["sh", "-c", words],
    });
    await assertSound([node]);
    expect(await typed(node, "exec", "web", "ip", "-o", "-4", "address")).toContain("10.1.0.3/24");
    expect(await node.socketplane("exec", "web", "sh", "-c", "exit 9")).toMatchObject({
      status: 9,
    });
    await until("its words", async () => (await typed(node, "logs", "web")) === "ready\n");
    const follower = start(node.operatorCommand("logs", "-f", "web"));
    await follower.says(/ready/);

    await typed(node, "stop", "web");
    expect(await follower.outcome).toMatchObject({ status: 0, stdout: "ready\nended\n" });
    await assertNothingLeft([node]);
    expect(await listed(node)).toEqual([]);
    expect(await listed(node, "-a")).toMatchObject([
      { name: "web", state: "ended", exitStatus: 5 },
    ]);
    expect(await typed(node, "logs", "-n1", "web")).toBe("ended\n");
    await typed(node, "rm", "web");
    expect(await listed(node, "-a")).toEqual([]);
    expect(await node.socketplane("logs", "web")).toMatchObject({ status: 1, stdout: "" });
  });

  test("that does not heed SIGTERM is killed when the time is up", async () => {
    const deaf = await inBackground(node, "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done");
    await typed(node, "stop", "--time", "1", deaf.name);
    expect(await listed(node, "-a")).toMatchObject([{ name: "sh-1", exitStatus: 137 }]);
    await assertNothingLeft([node]);
  });

  test("that writes and writes does not fill the memory", async () => {
    const words = "yes 0123456789abcdef | head -c 12000000; echo; echo last; sleep 60";
    const { name } = await inBackground(node, "sh", "-c", words);
    const size = (ending: string) => {
      const path = join(node.runDir, `runs/${name}.log${ending}`);
      return existsSync(path) ? statSync(path).size : 0;
    };
    await until("the older part", () => size(".1") > 10_000_000 && size("") < 2_100_000);
    await until("its last word", async () => {
      return (await typed(node, "logs", "-n", "1", name)) === "last\n";
    });
    expect(await typed(node, "logs", name)).toMatch(/^0123456789abcdef\n/);
    await typed(node, "rm", "-f", name);
    expect(readdirSync(join(node.runDir, "runs"))).toEqual([]);
  });

  test("goes by itself at its end, and with --rm all of it", async () => {
    const sign = join(lab.folder, "sign");
    const waiting = `while [ ! -e ${sign} ]; do sleep 0.05; done; exit 3`;
    const kept = await inBackground(node, "sh", "-c", waiting);
    const gone = await inBackground(node, "--rm", "sh", "-c", waiting);
    writeFileSync(sign, "");
    await until("their end", async () => (await listed(node)).length === 0);
    await until("their release", isGone(kept.pid));
    await until("their release", isGone(gone.pid));
    expect(await listed(node, "-a")).toMatchObject([{ name: kept.name, exitStatus: 3 }]);
    await assertNothingLeft([node]);
  });

  test("waits with -i for what is typed, and without has nothing to read", async () => {
    const waits = await inBackground(node, "-itd", "cat");
    const { status, stdout } = await run("-d", "cat");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "cat-2\n" });
    await until("its end", async () => (await listed(node)).length === 1);
    expect(await listed(node)).toMatchObject([{ name: waits.name }]);
    await typed(node, "rm", "-f", waits.name, "cat-2");
    await assertNothingLeft([node]);
  });

  test("shows all about itself where it is asked to", async () => {
    const shown = await typed(node, "run", "-d", "-o", "json", ...sleeping);
    expect(shown).toMatchObject({ name: "sh-1", address: "10.1.0.3", mac: "02:42:0a:01:00:03" });
    expect(await typed(node, "ps", "-o", "table")).toMatch(
      /^NAME +STATUS +NETWORK +ADDRESS +PID +COMMAND\nsh-1 +up \d s +default +10\.1\.0\.3 +\d+ +sh -c echo ready; exec sleep 60\n$/,
    );
    await typed(node, "rm", "-f", "sh-1");
    await assertNothingLeft([node]);
  });
});

describe("what is killed", () => {
  test("a run whose watcher is gone goes on, and can be ended", async () => {
    const running = await begun("--name", "web", ...sleeping);
    const [one] = await listed(node);
    running.kill("SIGKILL");
    await until("its end", isGone(running.pid));
    expect(await listed(node)).toMatchObject([{ name: "web", state: "running", pid: one?.pid }]);
    expect(await typed(node, "exec", "web", "echo", "there")).toBe("there\n");
    await typed(node, "stop", "web");
    await until("its end", isGone(one?.pid));
    expect(await listed(node, "-a")).toEqual([]);
    await assertNothingLeft([node]);
  });

  test.each(["ps", "run", "rm"])("is cleaned up by the next %s", async (next) => {
    const running = await begun("--name", "web", ...sleeping);
    const [one] = await listed(node);
    const netns = netnsOf(one?.pid) ?? "";
    running.kill("SIGKILL");
    process.kill(one?.pid ?? 0, "SIGKILL");
    await running.outcome.catch(() => {});
    await deserted(netns);
    if (next === "ps") expect(await listed(node)).toEqual([]);
    if (next === "run") expect(await run("true")).toMatchObject({ status: 0 });
    if (next === "rm") await typed(node, "rm", "web");
    expect(await node.socketplane("ps", "-a")).toMatchObject({ json: [] });
    await assertNothingLeft([node]);
  });

  test("in the background is kept as ended, with its log; what it left running is ended", async () => {
    const words = "echo word; sleep 60 & wait";
    const one = await inBackground(node, "--name", "web", "sh", "-c", words);
    await until("its word", async () => (await typed(node, "logs", "web")) === "word\n");
    const watcher = Number(
      /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${one.pid}/status`, "utf8"))?.[1],
    );
    const netns = netnsOf(one.pid) ?? "";
    process.kill(watcher, "SIGKILL");
    process.kill(one.pid ?? 0, "SIGKILL");
    await until("their end", isGone(one.pid));
    const [shown] = await listed(node, "-a");
    expect(shown).toMatchObject({ name: "web", state: "ended" });
    expect(shown).not.toHaveProperty("exitStatus");
    await deserted(netns);
    expect(await typed(node, "logs", "web")).toBe("word\n");
    await typed(node, "rm", "web");
    await assertNothingLeft([node]);
  });

  test("by a reboot that the run directory has outlived is ended", async () => {
    const one = await inBackground(node, "--name", "web", ...sleeping);
    const watcher = Number(
      /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${one.pid}/status`, "utf8"))?.[1],
    );
    for (const pid of [watcher, one.pid ?? 0]) process.kill(pid, "SIGKILL");
    await until("their end", isGone(one.pid));
    const file = join(node.runDir, "runs/web");
    const { run: record, ...more } = JSON.parse(readFileSync(file, "utf8"));
    // A process of another boot, by the number of one that lives.
    const living = { pid: process.pid, began: 0 };
    writeFileSync(
      file,
      JSON.stringify({ ...more, run: { ...record, boot: "x", process: living } }),
    );
    expect(await listed(node, "-a")).toMatchObject([{ name: "web", state: "ended" }]);
    await assertNothingLeft([node]);
  });

  test.each([1, 3, 5])("before its command began is cleaned up too (setns %i)", async (when) => {
    const command = node.operatorCommand("run", "--name", "web", "true");
    // The first comes back from the new namespace, those after it are of setting up what is in it.
    const kill = ["-e", `inject=setns:signal=SIGKILL:when=${when}`];
    const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setns", ...kill];
    const killed = await start({ ...command, argv: [...strace, ...command.argv] }).outcome;
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(await listed(node, "-a")).toEqual([]);
    expect(readdirSync(join(node.runDir, "runs"))).toEqual([]);
    await assertNothingLeft([node], { killed: true });
  });
});

test("what starts itself again and again is ended for good", async () => {
  const [beat, enough] = [join(lab.folder, "beat"), join(lab.folder, "enough")];
  const again = `use POSIX;
    if (!fork) {
      setsid;
      until (-e "${enough}") { exit if fork; open F, ">>${beat}"; close F; select undef, undef, undef, 0.001 }
      exit;
    }
    sleep 60`;
  lab.onClose(() => writeFileSync(enough, ""));
  for (let round = 0; round < 3; round += 1) {
    const one = await inBackground(node, "--name", "web", "perl", "-e", again);
    const netns = netnsOf(one.pid) ?? "";
    await until("its beat", () => existsSync(beat));
    await typed(node, "rm", "--force", "web");
    await deserted(netns);
    rmSync(beat);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(existsSync(beat)).toBe(false);
  }
  await assertNothingLeft([node]);
});

describe("names", () => {
  test("are given, one to each of many at once", async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => run("-d", "sleep", "60")));
    expect(all.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      all.map(() => ({ status: 0, stderr: "" })),
    );
    const names = all.map(({ stdout }) => stdout.trim()).sort();
    expect(names).toEqual([1, 2, 3, 4, 5, 6].map((number) => `sleep-${number}`));
    const shown = await listed(node);
    for (const one of shown) adopt(node, one);
    expect(new Set(shown.map(({ address }) => address)).size).toBe(6);
    await assertSound([node]);
    await typed(node, "stop", "-t0", ...names);
    await typed(node, "rm", ...names);
    await assertNothingLeft([node]);
  });

  test("are one's own, running or ended", async () => {
    const race = await Promise.all([1, 2, 3].map(() => run("-d", "--name", "web", "sleep", "60")));
    expect(race.map(({ status }) => status).sort()).toEqual([0, 125, 125]);
    await typed(node, "stop", "-t0", "web");
    expect(await run("--name", "web", "true")).toMatchObject({
      status: 125,
      stderr: [
        'socketplane: Cannot use name "web": it is taken',
        "  See by what: socketplane ps --all; and free it: socketplane rm --force web",
        "",
      ].join("\n"),
    });
    await typed(node, "rm", "web");
    expect(await run("--name", "web", "true")).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });
});

describe("what cannot be done", () => {
  test.each<[readonly string[], number, string]>([
    [
      ["run", "-n", "defualt", "true"],
      125,
      said(
        'socketplane: Cannot use network "defualt": there is none',
        '  Did you mean "default"?',
        "  Create it: socketplane network create defualt [SUBNET]",
        "  There are: default",
      ),
    ],
    [
      ["run", "no-such-program"],
      127,
      said(
        'socketplane: Cannot run "no-such-program": there is no such program',
        "  There are no images: a command is one of this machine's own programs.",
      ),
    ],
    [["run", "/etc"], 126, said('socketplane: Cannot run "/etc": it is not executable')],
    [
      ["run", "--ip", "10.2", "true"],
      2,
      said(
        'socketplane: Cannot understand the command line: --ip must be an IPv4 address, from which IPv6\'s follows, not "10.2"',
      ),
    ],
    [
      ["run"],
      2,
      said(
        "socketplane: Cannot understand the command line: <command> is missing",
        "  Try: socketplane run --help",
      ),
    ],
    [
      ["exec", "web", "true"],
      125,
      said(
        'socketplane: Cannot run a command in "web": there is no run of that name',
        "  See which there are: socketplane ps --all",
      ),
    ],
    [
      ["rm", "a", "b"],
      1,
      said(
        "socketplane: Cannot remove all: 2 of 2 could not be",
        '  Cannot remove "a": there is no run of that name',
        '  Cannot remove "b": there is no run of that name',
      ),
    ],
    [
      ["info", "web"],
      1,
      said(
        'socketplane: Cannot show container "web": there is none on this machine',
        "  See which there are: socketplane info",
      ),
    ],
  ])("%j", async (args, status, stderr) => {
    expect(await node.socketplane(...args)).toMatchObject({ status, stdout: "", stderr });
    expect(await listed(node, "-a")).toEqual([]);
    await assertNothingLeft([node]);
  });

  test("the same in the background", async () => {
    for (const [args, status] of [
      [["-n", "none", "true"], 125],
      [["no-such-program"], 127],
      [["--name", "a b", "true"], 2],
    ] as const) {
      const outcome = await run("-d", ...args);
      expect(outcome).toMatchObject({ status, stdout: "" });
      expect(outcome.stderr).toMatch(/^socketplane: Cannot .*\n/);
    }
    expect(await listed(node, "-a")).toEqual([]);
    await assertNothingLeft([node]);
  });

  test("an address that is another's; and what runs is not forgotten, nor its network deleted", async () => {
    const one = await inBackground(node, ...sleeping);
    const taken = await run("--ip", one.address ?? "", "true");
    expect(taken).toMatchObject({ status: 125, stdout: "" });
    expect(taken.stderr).toContain(`10.1.0.3`);
    expect(await node.socketplane("rm", one.name)).toMatchObject({
      status: 1,
      stderr: said(
        'socketplane: Cannot remove "sh-1": it runs',
        "  End it first: socketplane stop sh-1; or both in one: socketplane rm --force sh-1",
      ),
    });
    expect(await node.socketplane("network", "delete", "default")).toMatchObject({
      status: 1,
      stderr: said(
        'socketplane: Cannot delete network "default": a container is attached to it',
        "  End first: socketplane rm --force sh-1",
      ),
    });
    await assertSound([node]);
    await typed(node, "rm", "-f", one.name);
    await assertNothingLeft([node]);
  });

  test("where there is no network default, the first steps are named", async () => {
    await typed(node, "network", "delete", "default");
    expect(await run("true")).toMatchObject({
      status: 125,
      stderr: said(
        'socketplane: Cannot use network "default": there is none',
        "  Create it: socketplane network create default; or make this machine the first of a cluster: socketplane cluster init",
      ),
    });
  });
});

describe("beside container runtimes", () => {
  const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", network: "default" };

  test("info shows all, and no GC takes a run away", async () => {
    const one = await inBackground(node, "--name", "web", ...sleeping);
    const container = node.addContainer();
    const args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0";
    await node.cni({ command: "ADD", conf, container, args });
    const holder = start({ netns: container.netns, argv: ["sleep", "61"], limitMs: 60_000 });
    lab.onClose(() => holder.kill("SIGKILL"));
    await until("its process", async () => {
      const [shown] = (await typed(node, "info", "shop/web-0")) as { container_pid?: number }[];
      return shown?.container_pid === holder.pid;
    });
    const shown = await typed(node, "info");
    expect(shown).toEqual([
      expect.objectContaining({
        container_id: container.id,
        container_name: "shop/web-0",
        container_pid: holder.pid,
        command: "sleep 61",
        network: "default",
        cni_name: "web",
        connection_details: {
          name: "eth0",
          ip: "10.1.0.4",
          subnet: "10.1.0.0/24",
          mac: "02:42:0a:01:00:04",
          gateway: "10.1.0.1",
        },
      }),
      expect.objectContaining({ container_id: "web", container_pid: one.pid }),
    ]);
    const table = await typed(node, "info", "-o", "table", "we");
    expect(table).toMatch(
      /^CONTAINER +NETWORK +ADDRESS +MAC +GATEWAY +PORT +PID +COMMAND\nweb +def/,
    );

    await node.cni({ command: "GC", conf: { ...conf, "cni.dev/valid-attachments": [] } });
    expect(await typed(node, "info")).toHaveLength(1);
    await assertSound([node]);
    await typed(node, "rm", "-f", "web");
    await assertNothingLeft([node]);
  });

  test("what a container has left that is gone is removed by hand, and nothing that lives", async () => {
    const [container, other] = [node.addContainer(), node.addContainer()];
    for (const each of [container, other]) {
      expect(await node.cni({ command: "ADD", conf, container: each })).toMatchObject({
        status: 0,
      });
    }
    const remove = (id: string) => node.socketplane("rm", "--force", id);
    for (const { id } of [container, other]) {
      expect(await remove(id)).toMatchObject({
        status: 1,
        stderr: said(
          `socketplane: Cannot remove "${id}": its interface eth0 is there`,
          '  Who has started it ends it, and calls DEL for network list "web"',
        ),
      });
    }
    await assertSound([node]);
    container.remove();
    await until("the end of its link", async () => {
      const shown = (await typed(node, "info", container.id)) as { state?: string }[];
      return shown[0]?.state === "gone";
    });
    const [living] = (await typed(node, "info", other.id)) as { state?: string }[];
    expect(living?.state).toBe(undefined);
    const refused = await node.socketplane("network", "delete", "default");
    expect(refused.stderr).toBe(
      said(
        'socketplane: Cannot delete network "default": 2 containers are attached to it',
        `  Call DEL first for ${other.id} (eth0)`,
        `  Remove first, whose namespace is gone: socketplane rm --force ${container.id}`,
      ),
    );
    expect(await remove(container.id)).toMatchObject({ status: 0, stderr: "" });
    expect(await typed(node, "info")).toHaveLength(1);
    expect(await remove(container.id)).toMatchObject({ status: 1 });
    await node.cni({ command: "DEL", conf, container: other });
    await assertNothingLeft([node]);
  });
});
