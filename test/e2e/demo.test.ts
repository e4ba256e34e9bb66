/** `npm run demo`, as somebody runs it, to its end and not. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../demo/run.mjs", import.meta.url));

/** Namespaces, folders and processes of the demo: they carry its pid, or were started by it. */
const leftOf = (pid: number) => {
  const named = (folder: string) =>
    readdirSync(folder).filter((name) => name.startsWith(`spt-${pid}-`));
  return [...named("/run/netns"), ...named(tmpdir())];
};

interface Told {
  readonly status: number | null;
  readonly text: string;
  /** Of the process that made things. */
  readonly pid: number;
}

/** Runs the demo in a process group of its own; `until` is when Ctrl-C is typed. */
function tell(until?: RegExp): Promise<Told> {
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  let interrupted = false;
  const look = (piece: Buffer) => {
    text += piece;
    if (until === undefined || interrupted || !until.test(text)) return;
    interrupted = true;
    process.kill(-(child.pid ?? 0), "SIGINT");
  };
  child.stdout.on("data", look);
  child.stderr.on("data", look);
  return new Promise((resolve) => {
    child.on("close", (status) => {
      const [, pid = "0"] = /spt-(\d+)-/.exec(text) ?? [];
      resolve({ status, text, pid: Number(pid) });
    });
  });
}

test("everything is seen to work, and nothing is left", async () => {
  const { status, text, pid } = await tell();
  expect(text).toMatch(/\d+ things were shown, and all of them were seen to work/);
  expect(text).not.toContain("✗");
  expect(text).not.toContain("\x1b[");
  expect(status).toBe(0);
  expect(pid).toBeGreaterThan(0);
  expect(leftOf(pid)).toEqual([]);
});

test("Ctrl-C in the middle leaves nothing", async () => {
  const { status, text, pid } = await tell(/web-1, on host-a, has 10\.2\./);
  expect(text).not.toContain("seen to work");
  expect(text).not.toContain("✗");
  expect(text).toContain("Interrupted: all that was made for it is gone again.");
  expect(status).toBe(130);
  expect(pid).toBeGreaterThan(0);
  expect(leftOf(pid)).toEqual([]);
});
