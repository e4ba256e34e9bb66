/** Real processes: which they are, and that a signal goes to nobody else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { isSameProcess } from "../../../lib/sys/background.ts";
import { openBackgroundProcesses, runLines } from "../../../lib/sys/background-processes.ts";
import { until } from "../../lab/until.ts";
import { programAt, runtimes } from "./runtimes.ts";

const processes = openBackgroundProcesses(openFfi());

let folder: string;
const started: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-background-"));
});
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  rmSync(folder, { recursive: true });
});

async function startSleep() {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  started.push(pid);
  // Between fork and exec it is another program.
  const proof = await until("sleep", () => {
    const found = processes.find(pid);
    return found?.program === processes.find(process.pid)?.program ? undefined : found;
  });
  return { child, proof };
}

describe("a signal", () => {
  test("ends the process that is meant", async () => {
    const { child, proof } = await startSleep();
    const ended = once(child, "exit");
    expect(processes.send(proof, "SIGTERM")).toBe(true);
    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(processes.find(proof.pid)).toBeUndefined();
    expect(processes.send(proof, "SIGKILL")).toBe(false);
  });

  test.each([{ began: 1 }, { boot: "another" }, { program: "8:1:1" }])(
    "is not sent to another of its number: %j",
    async (other) => {
      const { child, proof } = await startSleep();
      expect(processes.send({ ...proof, ...other }, "SIGKILL")).toBe(false);
      expect(child.exitCode ?? child.signalCode).toBeNull();
      expect(isSameProcess(proof, processes.find(proof.pid))).toBe(true);
    },
  );

  test("is sent to whatever the process has become, where that is not told", async () => {
    const { child, proof } = await startSleep();
    const ended = once(child, "exit");
    expect(processes.send({ ...proof, program: undefined }, "SIGKILL")).toBe(true);
    await ended;
  });
});

test("a process whose executable was replaced is still the same", async () => {
  const path = join(folder, "napping");
  const child = spawn("sh", ["-c", `cp "$(command -v sleep)" ${path}; exec ${path} 1000`]);
  started.push(child.pid ?? 0);
  const proof = await until("the copy", () => {
    const found = processes.find(child.pid ?? 0);
    return readFileSync(`/proc/${child.pid}/comm`, "utf8") === "napping\n" ? found : undefined;
  });
  rmSync(path);
  writeFileSync(path, "another");
  expect(isSameProcess(proof, processes.find(proof.pid))).toBe(true);
});

describe.each(Object.entries(runtimes))("started again under %s", (_name, runtime) => {
  test("it outlives who started it, in a session of its own, with nothing but its log", async () => {
    const log = join(folder, "log/it.log");
    const starter = spawn(runtime[0] ?? "", [
      ...runtime.slice(1),
      programAt("start-again.ts"),
      log,
    ]);
    const [status] = await once(starter, "exit");
    expect(status).toBe(0);
    const said = await until("what it says", () =>
      existsSync(log)
        ? (/^I am (\d+) (.*)\n$/.exec(readFileSync(log, "utf8")) ?? undefined)
        : undefined,
    );
    const pid = Number(said[1]);
    started.push(pid);
    expect(JSON.parse(said[2] ?? "")).toEqual({ cwd: "/", env: { ONLY: "this" }, session: pid });
    expect(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3]).not.toBe(`${starter.pid}`);
  });
});

describe("the lines of a program", () => {
  const run = async (script: string, signal = new AbortController().signal) => {
    const lines: string[] = [];
    const end = await runLines("/bin/sh", ["-c", script], (line) => void lines.push(line), signal);
    return { lines, end };
  };

  test("come whole, from both streams", async () => {
    const { lines, end } = await run('printf "a\\nb"; echo c >&2; exit 3');
    expect([...lines].sort()).toEqual(["a", "b", "c"]);
    expect(end).toEqual({ status: 3, signal: undefined });
  });

  test("end when somebody has enough, also before they begin", async () => {
    expect((await run("exec sleep 1000", AbortSignal.abort())).end.signal).toBe("SIGTERM");
    const { end } = await run("exec sleep 1000", AbortSignal.timeout(50));
    expect(end.signal).toBe("SIGTERM");
  });

  test("end where who hears them fails", async () => {
    const { signal } = new AbortController();
    const deaf = () => {
      throw new Error("enough");
    };
    const running = runLines("/bin/sh", ["-c", "echo a; echo b; exec sleep 1000"], deaf, signal);
    await expect(running).rejects.toThrow("enough");
  });

  test("of a program that is not there are an error", async () => {
    const none = runLines(join(folder, "none"), [], () => {}, new AbortController().signal);
    await expect(none).rejects.toThrow("ENOENT");
  });
});
