/** What CNI asks of process and I/O: status, stdout, stderr, codes. */
import { expect, test } from "vitest";
import { formatFailure } from "../../../lib/cni/failure.ts";
import { type Commands, runPlugin } from "../../../lib/cni/run.ts";
import { type Version, versions } from "../../../lib/cni/versions.ts";
import { Failure, type FailureKind, failures } from "../../../lib/errors.ts";
import { attachmentEnv, emptyResult, run, smallResult } from "./fake-io.ts";

const all = { name: "web", prevResult: {}, "cni.dev/valid-attachments": [] };
const verbs = ["ADD", "CHECK", "DEL", "GC", "STATUS"];

test.each(versions)(
  "ADD answers in %s with one line on stdout, exit status 0",
  async (cniVersion) => {
    const { status, stdout, stderr, said } = await run({
      env: { CNI_COMMAND: "ADD", ...attachmentEnv },
      stdin: { ...all, cniVersion },
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(said.cniVersion).toBe(cniVersion);
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(stdout.trimEnd()).not.toContain("\n");
  },
);

test("a command's failure is one error object on stdout, exit status not 0", async () => {
  for (const verb of verbs) {
    const { status, stderr, said } = await run({
      env: { CNI_COMMAND: verb, ...attachmentEnv },
      stdin: { ...all, cniVersion: "1.1.0" },
      act: () => {
        throw new Failure("no-address", "Cannot assign an address: none is free", { details: "a" });
      },
    });
    expect(status).toBeGreaterThan(0);
    expect(stderr).toBe("");
    expect(said).toEqual({
      cniVersion: "1.1.0",
      code: 102,
      msg: "Cannot assign an address: none is free",
      details: "a",
    });
  }
});

test("what is thrown and is no failure is a fault of ours, code 999", async () => {
  for (const thrown of [new TypeError("x is not a function"), "text", undefined, null, 5]) {
    const { status, said } = await run({
      env: { CNI_COMMAND: "ADD", ...attachmentEnv },
      stdin: { ...all, cniVersion: "0.4.0" },
      act: () => {
        throw thrown;
      },
    });
    expect(status).toBeGreaterThan(0);
    expect(said).toMatchObject({ cniVersion: "0.4.0", code: 999 });
  }
});

test("its stack is on standard error, and not on standard output", async () => {
  const { stdout, stderr } = await run({
    env: { CNI_COMMAND: "DEL", ...attachmentEnv },
    stdin: all,
    act: () => {
      throw new TypeError("a fault of ours");
    },
  });
  expect(stdout).toContain("a fault of ours");
  expect(stdout).not.toContain("run.test.ts");
  expect(stderr).toMatch(/TypeError: a fault of ours\n +at .*run\.test\.ts/);
});

test("a result that the version can't say is an error, and the only value on stdout", async () => {
  const { status, said } = await run({
    env: { CNI_COMMAND: "ADD", ...attachmentEnv },
    stdin: { ...all, cniVersion: "0.2.0" },
    result: emptyResult,
  });
  expect(status).toBeGreaterThan(0);
  expect(said).toMatchObject({ cniVersion: "0.2.0", code: 1 });
});

test.each(versions)("an error is told in the configuration's version, %s", async (cniVersion) => {
  const { said } = await run({
    env: { CNI_COMMAND: "ADD" },
    stdin: { ...all, cniVersion },
  });
  expect(said).toMatchObject({ code: 4, cniVersion });
});

test("stdin that was read already is not read again, be it good or not", async () => {
  const bytes = new Uint8Array();
  const [env, json] = [{ CNI_COMMAND: "STATUS" }, { cniVersion: "1.1.0", name: "web" }];
  const good = await run({ env, stdin: "not JSON", input: { bytes, json, fault: undefined } });
  expect(good).toMatchObject({ status: 0, requests: [{ config: { name: "web" } }] });
  const fault = { kind: "io", state: "stdin has no end after 5 ms" } as const;
  const bad = await run({ env, stdin: json, input: { bytes, json: undefined, fault } });
  expect(bad.said).toMatchObject({
    code: 5,
    msg: "Cannot run STATUS: stdin has no end after 5 ms",
  });
});

test("when stdout is closed there is nothing more to say, but the status tells", async () => {
  let writes = 0;
  const commands: Commands = {
    about: "",
    honours: () => [],
    add: async () => smallResult,
    check: async () => {},
    del: async () => {},
    gc: async () => {},
    status: async () => {},
  };
  const chunks = [Buffer.from('{"cniVersion":"1.1.0","name":"web"}')];
  const status = await runPlugin(
    {
      env: { CNI_COMMAND: "ADD", ...attachmentEnv },
      clock: () => 0,
      readStdin: () => chunks.shift(),
      writeStdout: () => {
        writes += 1;
        throw new Error("EPIPE");
      },
      writeStderr: () => {},
      isOwnNetns: () => false,
    },
    commands,
  );
  expect(status).toBeGreaterThan(0);
  expect(writes).toBe(1);
});

const codes: Readonly<Partial<Record<FailureKind, number>>> = {
  "incompatible-version": 1,
  "unsupported-field": 2,
  "unknown-container": 3,
  "bad-environment": 4,
  io: 5,
  decode: 6,
  "invalid-config": 7,
  "invalid-netns": 8,
  "try-again": 11,
  "not-available": 50,
  "limited-connectivity": 51,
  internal: 999,
};

test("the specification's codes, and those of libcni; all others are from 100 on", () => {
  for (const kind of Object.keys(failures) as FailureKind[]) {
    const { code } = new Failure(kind, "");
    if (codes[kind] === undefined) expect(code).toBeGreaterThanOrEqual(100);
    else expect(code).toBe(codes[kind]);
  }
  const distinct = new Set(Object.values(failures).map(({ code }) => code));
  expect(distinct.size).toBe(Object.keys(failures).length);
});

test.each(versions)("the error object in %s; empty details are left out", (version: Version) => {
  const failure = new Failure("try-again", "Cannot go on: wait");
  expect(JSON.parse(formatFailure(failure, version))).toEqual({
    cniVersion: version,
    code: 11,
    msg: "Cannot go on: wait",
  });
});

test("a message of megabytes is cut; kubelet would keep it in every event", () => {
  const text = "x".repeat(1 << 22);
  const failure = new Failure("internal", text, { details: text });
  expect(formatFailure(failure, "1.1.0").length).toBeLessThan(100_000);
});
