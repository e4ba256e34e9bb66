import { expect, test } from "vitest";
import { quiet } from "../../../lib/cli/output.ts";
import { withProgress } from "../../../lib/cli/progress.ts";

/** A terminal that remembers, and a clock that is set. */
function screen({ erasable = true, width = 100 } = {}) {
  const said: string[] = [];
  let now = 5000;
  let painting: (() => void) | undefined;
  const terminal = withProgress({
    stdout: (text) => void said.push(`out: ${text}`),
    stderr: (text) => void said.push(text.replace("\r\u001b[K", "<clear>")),
    interactive: true,
    erasable,
    width,
    clock: () => now,
    every: (_ms, call) => {
      painting = call;
      return () => {
        painting = undefined;
      };
    },
  });
  const pass = (ms: number) => {
    now += ms;
    painting?.();
    return said.splice(0);
  };
  return { terminal, pass, isPainting: () => painting !== undefined };
}

test("what is waited for is said after a second, and taken away by the answer", () => {
  const { terminal, pass, isPainting } = screen();
  terminal.progress("Waiting for etcd");
  expect(pass(900)).toEqual([]);
  expect(pass(200)).toEqual(["<clear>Waiting for etcd... 1 s"]);
  terminal.progress("Starting the agent");
  expect(pass(1000)).toEqual([
    "<clear>Starting the agent... 1 s",
    "<clear>Starting the agent... 2 s",
  ]);
  terminal.stdout("done\n");
  expect(pass(5000)).toEqual(["<clear>", "out: done\n"]);
  expect(isPainting()).toBe(false);
});

test("an error stands on a line of its own, and the waiting goes on", () => {
  const { terminal, pass } = screen();
  terminal.progress("Waiting for etcd");
  pass(1000);
  terminal.stderr("no\n");
  expect(pass(500)).toEqual(["<clear>", "no\n", "<clear>Waiting for etcd... 1 s"]);
  terminal.progress(undefined);
  expect(pass(500)).toEqual(["<clear>"]);
});

test("a line never wraps: it could not be taken away", () => {
  const { terminal, pass } = screen({ width: 11 });
  terminal.progress("Waiting for etcd");
  expect(pass(1000)).toEqual(["<clear>Waiting fo"]);
});

test("nothing is said where it could not be taken away, nor to who wants errors only", () => {
  const piped = screen({ erasable: false });
  piped.terminal.progress("Waiting for etcd");
  expect(piped.pass(2000)).toEqual([]);
  const silent = screen();
  const terminal = quiet(silent.terminal);
  terminal.progress("Waiting for etcd");
  terminal.stdout("done\n");
  terminal.stderr("no\n");
  expect(silent.pass(2000)).toEqual(["no\n"]);
});
