/** What CNI asks of delegation: finding, running and understanding an IPAM plugin. */
import { expect, test } from "vitest";
import {
  delegateAdd,
  delegateCheck,
  delegateDel,
  delegateGc,
  delegateStatus,
} from "../../../lib/cni/delegate.ts";
import { type Version, versions } from "../../../lib/cni/versions.ts";
import { deadlineIn } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import type { Ended, Program } from "../../../lib/exec.ts";

type Answer = Partial<Omit<Extract<Ended, { how: "exited" }>, "how">> | Ended;

const bytes = Buffer.from('{"name": "web",\n"ipam":{"type":"fake"}  , "odd": 1}');
const json = (value: unknown) => ({ stdout: JSON.stringify(value) });
const assigned = { ips: [{ address: "10.2.0.2/16", gateway: "10.2.0.1" }] };

/** A machine that has the plugin in its second folder, which answers each verb as told. */
function machine(answers: Readonly<Record<string, Answer | readonly Answer[]>>) {
  let now = 0;
  const runs: (Program & { readonly left: number })[] = [];
  const asked: string[] = [];
  const pauses: number[] = [];
  let stderr = "";
  const deps = {
    clock: () => now,
    writeStderr: (text: string) => {
      stderr += text;
    },
    exec: {
      isFile: async (path: string) => {
        asked.push(path);
        return path === "/b/fake";
      },
      run: async (program: Program, deadline: { left: () => number }): Promise<Ended> => {
        const verb = program.env.CNI_COMMAND ?? "";
        const same = runs.filter(({ env }) => env.CNI_COMMAND === verb).length;
        runs.push({ ...program, left: deadline.left() });
        const answer = answers[verb] ?? {};
        const one = Array.isArray(answer) ? answer[same] : answer;
        return { how: "exited", status: 0, stdout: "", stderr: "", ...one } as Ended;
      },
      pause: async (ms: number) => {
        now += ms;
        pauses.push(ms);
      },
    },
  };
  const verbsRun = () => runs.map(({ env }) => env.CNI_COMMAND);
  return { deps, runs, asked, pauses, verbsRun, stderr: () => stderr, clock: deps.clock };
}

function delegated(cniVersion: Version = "1.1.0", env: Record<string, string> = {}) {
  const ipam = { type: "fake", raw: { type: "fake" } };
  return {
    config: { name: "web", cniVersion, type: "socketplane", ipam, raw: {}, bytes },
    env: { CNI_PATH: "/a:/b:/c", CNI_COMMAND: "CHECK", CNI_IFNAME: "eth0", TERM: "x", ...env },
  };
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const thrown = await promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  if (thrown instanceof Failure) return thrown;
  throw thrown;
}

const verbs = {
  CHECK: delegateCheck,
  DEL: delegateDel,
  GC: delegateGc,
  STATUS: delegateStatus,
};

test.each(["ADD", "CHECK", "DEL", "GC", "STATUS"] as const)(
  "%s: same environment but for CNI_COMMAND, same bytes, the deadline",
  async (verb) => {
    const { deps, runs, clock } = machine({ ADD: json(assigned) });
    const delegate = verb === "ADD" ? delegateAdd : verbs[verb];
    const given = delegated("1.1.0", { CNI_NETNS: "", TRACEPARENT: "00-1-2-01" });
    await delegate(deps, given, deadlineIn(clock, 5000));
    expect(runs).toEqual([
      {
        path: "/b/fake",
        env: { ...given.env, CNI_COMMAND: verb },
        stdin: bytes,
        left: 5000,
      },
    ]);
  },
);

test.each(versions)("a result in %s, or without a version of its own", async (version) => {
  const isOldest = version === "0.1.0" || version === "0.2.0";
  const words = isOldest
    ? { ip4: { ip: "10.2.0.2/16", gateway: "10.2.0.1", routes: [{ dst: "0.0.0.0/0" }] } }
    : { ips: [{ version: "4", ...assigned.ips[0] }], routes: [{ dst: "0.0.0.0/0" }] };
  for (const said of [words, { cniVersion: version, ...words }]) {
    const { deps, clock } = machine({ ADD: json(said) });
    expect(await delegateAdd(deps, delegated(version), deadlineIn(clock, 1))).toEqual({
      interfaces: [],
      ips: [{ family: 4, address: 0x0a020002, length: 16, gateway: 0x0a020001 }],
      routes: [{ family: 4, dst: { base: 0, length: 0 }, options: {} }],
      dns: { nameservers: [], domain: undefined, search: [], options: [] },
    });
  }
});

test("interfaces, and indices of them, are none of an IPAM plugin's business", async () => {
  const said = { interfaces: [{ name: "x" }], ips: [{ ...assigned.ips[0], interface: 0 }] };
  const { deps, clock } = machine({ ADD: json(said) });
  const { interfaces, ips } = await delegateAdd(deps, delegated(), deadlineIn(clock, 1));
  expect(interfaces).toEqual([]);
  expect(ips[0]?.interface).toBeUndefined();
});

test("its stderr is passed on, when it works and when it fails", async () => {
  for (const status of [0, 1]) {
    const { deps, clock, stderr } = machine({ CHECK: { status, stderr: "a warning\n" } });
    await delegateCheck(deps, delegated(), deadlineIn(clock, 1)).catch(() => {});
    expect(stderr()).toBe("a warning\n");
  }
});

test.each([
  [11, "try-again"],
  [50, "not-available"],
  [51, "limited-connectivity"],
  [3, "unknown-container"],
  [7, "invalid-config"],
  [8, "invalid-netns"],
  [42, "delegate-failed"],
  [100, "delegate-failed"],
  [102, "delegate-failed"],
  [999, "delegate-failed"],
])("its error object is passed on with its own code, %i", async (code, kind) => {
  const said = { cniVersion: "1.1.0", code, msg: "no free addresses", details: "in range 1" };
  const { deps, clock } = machine({ STATUS: { status: 1, ...json(said) } });
  const failure = await failureOf(delegateStatus(deps, delegated(), deadlineIn(clock, 1)));
  expect(failure).toMatchObject({ code, kind, details: "in range 1" });
  expect(failure.message).toBe('Cannot delegate STATUS to IPAM plugin "fake": no free addresses');
});

const late = { how: "late", stdout: "", stderr: "" } as const;

test.each<[string, Answer, number, string]>([
  ["no word", { status: 2 }, 108, "exit status 2, and said nothing"],
  ["words on stderr only", { status: 1, stderr: "boom\n" }, 108, "said only on stderr: boom"],
  ["no JSON", { status: 1, stdout: "panic: x" }, 6, "error parsing its diagnostic message"],
  ["a list", { status: 1, stdout: "[]" }, 6, "error parsing its diagnostic message"],
  ["two values", { status: 1, stdout: "{}{}" }, 6, "error parsing its diagnostic message"],
  ["an empty object", { status: 1, stdout: "{}" }, 108, "it gave no reason"],
  ["an odd object", { status: 1, ...json({ code: "7", msg: 5 }) }, 108, "it gave no reason"],
  ["code 0", { status: 1, ...json({ code: 0, msg: "odd" }) }, 108, "odd"],
  ["a signal", { ...late, how: "killed", signal: "SIGSEGV" }, 108, "killed by SIGSEGV"],
  ["the deadline", late, 11, "it did not end in time"],
  ["a flood", { ...late, how: "overflowed" }, 6, "it wrote too much"],
  ["no permission", { ...late, how: "refused", errno: "EACCES" }, 5, "cannot be started: EACCES"],
])("a failure by %s", async (_, answer, code, state) => {
  const { deps, clock } = machine({ DEL: answer });
  const failure = await failureOf(delegateDel(deps, delegated(), deadlineIn(clock, 1)));
  expect(failure.code).toBe(code);
  expect(failure.message).toContain('Cannot delegate DEL to IPAM plugin "fake"');
  expect(failure.message).toContain(state);
});

test("what it says at length is cut", async () => {
  const { deps, clock } = machine({ CHECK: { status: 1, stdout: "x".repeat(1 << 20) } });
  const failure = await failureOf(delegateCheck(deps, delegated(), deadlineIn(clock, 1)));
  expect(failure.message.length).toBeLessThan(1000);
});

test.each<[string, Answer, number]>([
  ["an error", { status: 1, ...json({ code: 11, msg: "full" }) }, 11],
  ["the deadline", late, 11],
  ["no result", {}, 6],
  ["no JSON", { stdout: "10.2.0.2" }, 6],
  ["null", { stdout: "null" }, 6],
  ["a version that nobody has", json({ cniVersion: "9", ...assigned }), 6],
  ["an address that is none", json({ ips: [{ address: "10.2.0.2" }] }), 6],
  ["no address", json({ ips: [] }), 108],
  ["no address in old words", json({ cniVersion: "0.2.0" }), 108],
])("an ADD that fails by %s is followed by DEL", async (_, answer, code) => {
  const { deps, runs, clock, verbsRun } = machine({ ADD: answer });
  const failure = await failureOf(delegateAdd(deps, delegated(), deadlineIn(clock, 1)));
  expect(failure.code).toBe(code);
  expect(verbsRun()).toEqual(["ADD", "DEL"]);
  expect(runs[1]?.left).toBeGreaterThan(1000);
});

test("a DEL that fails too is told, and doesn't hide the first failure", async () => {
  const { deps, clock } = machine({
    ADD: { status: 1, ...json({ code: 105, msg: "full", details: "range 1" }) },
    DEL: { status: 1, ...json({ code: 5, msg: "disk on fire" }) },
  });
  const failure = await failureOf(delegateAdd(deps, delegated(), deadlineIn(clock, 1)));
  expect(failure).toMatchObject({ code: 105, kind: "delegate-failed" });
  expect(failure.message).toContain("full");
  expect(failure.details).toContain("range 1");
  expect(failure.details).toContain("disk on fire");
});

test("nothing is searched but the folders of CNI_PATH, in their order", async () => {
  const { deps, clock, asked } = machine({});
  await delegateCheck(deps, delegated(), deadlineIn(clock, 1));
  expect(asked).toEqual(["/a/fake", "/b/fake"]);
});

test("an empty folder of CNI_PATH is not the working directory", async () => {
  const { deps, clock, asked } = machine({});
  await delegateCheck(deps, delegated("1.1.0", { CNI_PATH: "::/b:" }), deadlineIn(clock, 1));
  expect(asked).toEqual(["/b/fake"]);
});

test("a plugin that isn't there: code 7, with the folders; nothing is run", async () => {
  for (const delegate of [delegateAdd, ...Object.values(verbs)]) {
    const { deps, clock, runs } = machine({});
    const given = delegated("1.1.0", { CNI_PATH: "/x:/y" });
    const failure = await failureOf(delegate(deps, given, deadlineIn(clock, 1)));
    expect(failure.code).toBe(7);
    expect(failure.message).toContain('IPAM plugin "fake"');
    expect(failure.message).toContain("/x, /y");
    expect(failure.details).toBeUndefined();
    expect(runs).toEqual([]);
  }
});

test.each(["", ":"])("without CNI_PATH (%j): code 4, naming it", async (CNI_PATH) => {
  const { deps, clock } = machine({});
  const given = delegated("1.1.0", { CNI_PATH });
  const failure = await failureOf(delegateGc(deps, given, deadlineIn(clock, 1)));
  expect(failure.code).toBe(4);
  expect(failure.message).toContain("[CNI_PATH]");
});

test("without ipam.type: code 7", async () => {
  const { deps, clock } = machine({});
  const given = delegated();
  const bare = { ...given, config: { ...given.config, ipam: undefined } };
  const failure = await failureOf(delegateAdd(deps, bare, deadlineIn(clock, 1)));
  expect(failure.code).toBe(7);
  expect(failure.message).toContain('"ipam.type"');
});

const textBusy = { ...late, how: "refused", errno: "ETXTBSY" } as const;

test("a binary that is being written is tried again, a second apart", async () => {
  const { deps, clock, pauses } = machine({ CHECK: [textBusy, textBusy, {}] });
  await delegateCheck(deps, delegated(), deadlineIn(clock, 60_000));
  expect(pauses).toEqual([1000, 1000]);
});

test("but not for ever, and not beyond the deadline", async () => {
  const always = Array.from({ length: 10 }, () => textBusy);
  const patient = machine({ CHECK: always });
  const failure = await failureOf(
    delegateCheck(patient.deps, delegated(), deadlineIn(patient.clock, 60_000)),
  );
  expect(failure.message).toContain("ETXTBSY");
  expect(patient.runs).toHaveLength(6);
  const hasty = machine({ CHECK: always });
  await failureOf(delegateCheck(hasty.deps, delegated(), deadlineIn(hasty.clock, 2500)));
  expect(hasty.pauses).toEqual([1000, 1000]);
});
