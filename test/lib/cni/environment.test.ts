/** What CNI asks of environment: each variable, each command; and the rule on namespaces. */
import { expect, test } from "vitest";
import { attachmentEnv, ownNetns, run, smallResult } from "./fake-io.ts";

const configuration = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  prevResult: {},
  "cni.dev/valid-attachments": [],
};

const withEnv = (CNI_COMMAND: string, env: Record<string, string | undefined>) =>
  run({ env: { CNI_COMMAND, ...attachmentEnv, ...env }, stdin: configuration });

test.each([
  ["ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME"],
  ["CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME"],
  ["DEL", "CNI_CONTAINERID,CNI_IFNAME"],
])("%s names all that is missing in one message, code 4", async (CNI_COMMAND, missing) => {
  const absent = await run({ env: { CNI_COMMAND }, stdin: configuration });
  const blank = { CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "", CNI_PATH: "", CNI_ARGS: "" };
  const empty = await run({ env: { CNI_COMMAND, ...blank }, stdin: configuration });
  for (const { status, said, requests } of [absent, empty]) {
    expect(status).not.toBe(0);
    expect(said.code).toBe(4);
    expect(said.msg).toContain(`required env variables [${missing}] missing`);
    expect(requests).toEqual([]);
  }
});

test.each(["GC", "STATUS"])("%s needs no variable but CNI_COMMAND", async (CNI_COMMAND) => {
  const { status, stdout, requests } = await run({ env: { CNI_COMMAND }, stdin: configuration });
  expect([status, stdout]).toEqual([0, ""]);
  expect(requests).toHaveLength(1);
});

test("the values of variables that the command doesn't need are not looked at", async () => {
  const nonsense = { CNI_IFNAME: "much/too/long:and wrong", CNI_CONTAINERID: "-/-", CNI_ARGS: "?" };
  for (const command of ["GC", "STATUS"]) {
    expect((await withEnv(command, nonsense)).status).toBe(0);
  }
});

test("CNI_PATH is not needed as long as nothing is delegated", async () => {
  expect((await withEnv("ADD", { CNI_PATH: undefined })).status).toBe(0);
});

test("an unknown CNI_COMMAND is code 4, and stdin is not waited for", async () => {
  for (const command of ["add", "UPDATE", "__proto__", "constructor", " ADD", "ADD\n"]) {
    const env = { CNI_COMMAND: command };
    const { status, said, waited } = await run({ env, stdin: configuration });
    expect(status).not.toBe(0);
    expect(said).toMatchObject({ code: 4, cniVersion: "1.1.0" });
    expect(said.msg).toContain("unknown CNI_COMMAND");
    expect(waited).toBe(0);
  }
});

test.each([undefined, ""])("without CNI_COMMAND (%j) it says what it is", async (CNI_COMMAND) => {
  const { status, stdout, stderr } = await run({ env: { CNI_COMMAND } });
  expect(status).toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toBe(
    "CNI plugin fake v1\n" +
      "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
  );
});

test.each(["-c", ".c", "_c", "c d", "c/d", "c:d", "c\n", "ü", "c;d", "../c"])(
  "CNI_CONTAINERID %j is refused, code 4",
  async (value) => {
    const { said } = await withEnv("DEL", { CNI_CONTAINERID: value });
    expect(said.code).toBe(4);
    expect(said.msg).toContain("CNI_CONTAINERID");
  },
);

test.each(["c", "0", "A-b_c.D", "a".repeat(300)])("CNI_CONTAINERID %j is taken", async (value) => {
  expect((await withEnv("DEL", { CNI_CONTAINERID: value })).status).toBe(0);
});

test.each([
  ".",
  "..",
  "a/b",
  "a:b",
  "a b",
  "eth%d",
  "a\tb",
  "a\u0085b",
  "a\u00a0b",
  "a\u3000b",
  "a\u2028b",
])("CNI_IFNAME %j is refused, code 4", async (value) => {
  const { said } = await withEnv("ADD", { CNI_IFNAME: value });
  expect(said.code).toBe(4);
  expect(said.msg).toContain("CNI_IFNAME");
});

test("CNI_IFNAME has at most 15 bytes, not characters", async () => {
  expect((await withEnv("ADD", { CNI_IFNAME: "a".repeat(15) })).status).toBe(0);
  expect((await withEnv("ADD", { CNI_IFNAME: "a".repeat(16) })).said.code).toBe(4);
  expect((await withEnv("ADD", { CNI_IFNAME: "é".repeat(8) })).said.code).toBe(4);
  expect((await withEnv("ADD", { CNI_IFNAME: "..." })).status).toBe(0);
});

test("faults of the environment and of stdin are told together; the environment's give the code", async () => {
  const { said } = await run({
    env: { CNI_COMMAND: "ADD", CNI_CONTAINERID: "-", CNI_IFNAME: "a/b", CNI_ARGS: "X" },
    stdin: { cniVersion: "1.1.0", name: "no good", runtimeConfig: { mac: "?" } },
  });
  expect(said.code).toBe(4);
  for (const text of ["CNI_CONTAINERID", "CNI_IFNAME", "[CNI_NETNS]", "CNI_ARGS", "name", "mac"]) {
    expect(said.msg).toContain(text);
    expect(said.details).toContain(text);
  }
});

test("CNI_NETNS that is our own namespace is refused before anything is done, code 8", async () => {
  for (const command of ["ADD", "DEL"]) {
    const { status, said, requests } = await withEnv(command, { CNI_NETNS: ownNetns });
    expect(status).not.toBe(0);
    expect(said.code).toBe(8);
    expect(said.msg).toContain(ownNetns);
    expect(requests).toEqual([]);
  }
});

test.each(["TRUE", "true", "True", "1"])(
  "CNI_NETNS_OVERRIDE=%s allows our own namespace",
  async (value) => {
    const env = { CNI_NETNS: ownNetns, CNI_NETNS_OVERRIDE: value };
    expect((await withEnv("ADD", env)).status).toBe(0);
    expect((await withEnv("DEL", env)).status).toBe(0);
  },
);

test.each(["", "0", "false", "yes", "TRUE "])(
  "CNI_NETNS_OVERRIDE=%j does not",
  async (CNI_NETNS_OVERRIDE) => {
    const env = { CNI_NETNS: ownNetns, CNI_NETNS_OVERRIDE };
    expect((await withEnv("ADD", env)).said.code).toBe(8);
  },
);

test("DEL may come without CNI_NETNS, or with an empty one", async () => {
  for (const CNI_NETNS of [undefined, ""]) {
    const { status, requests } = await withEnv("DEL", { CNI_NETNS });
    expect(status).toBe(0);
    expect(requests[0]).toMatchObject({ command: "DEL", netns: undefined });
  }
});

test("an attachment's request carries its variables, and the whole environment", async () => {
  const tracing = { TRACEPARENT: "00-a-b-01", TRACESTATE: "x=y", BAGGAGE: "k=v", CNI_OTHER: "1" };
  const { requests } = await withEnv("ADD", tracing);
  expect(requests[0]).toMatchObject({
    command: "ADD",
    containerId: "c1",
    ifname: "eth0",
    netns: "/run/netns/c1",
    env: tracing,
  });
});

test("only ADD has a result", async () => {
  const outputs = await Promise.all(
    ["ADD", "CHECK", "DEL", "GC", "STATUS"].map((command) => withEnv(command, {})),
  );
  expect(outputs.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
  expect(outputs.map(({ stdout }) => stdout !== "")).toEqual([true, false, false, false, false]);
  expect(outputs[0]?.said.ips).toHaveLength(smallResult.ips.length);
});
