/** What CNI asks of versions: VERSION, and what is advertised. */
import { expect, test } from "vitest";
import { versions } from "../../../lib/cni/versions.ts";
import { run, silence } from "./fake-io.ts";

const env = { CNI_COMMAND: "VERSION" };
const seven = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

test("the seven versions are advertised, oldest first", () => {
  expect(versions).toEqual(seven);
});

test.each(seven)("VERSION echoes %s, and needs no other variable", async (cniVersion) => {
  const { status, said, stdout } = await run({ env, stdin: { cniVersion } });
  expect(status).toBe(0);
  expect(said).toEqual({ cniVersion, supportedVersions: seven });
  expect(stdout).toBe(`${JSON.stringify(said)}\n`);
});

test("VERSION as libcni probes it: dummies in the environment, the version on stdin", async () => {
  const dummies = { CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy" };
  const { status, said } = await run({
    env: { ...env, ...dummies, CNI_CONTAINERID: "", CNI_ARGS: "" },
    stdin: '{"cniVersion":"1.0.0"}',
  });
  expect(status).toBe(0);
  expect(said.cniVersion).toBe("1.0.0");
});

test.each([
  ["nothing", ""],
  ["no JSON", "}{"],
  ["no UTF-8", Uint8Array.of(0xff, 0xfe, 0x7b)],
  ["no object", "[1]"],
  ["null", "null"],
  ["no version", "{}"],
  ["an empty version", '{"cniVersion":""}'],
  ["a version that nobody has", '{"cniVersion":"9.9.9"}'],
  ["a version that is no text", '{"cniVersion":{"toString":1}}'],
  ["a megabyte", `{"cniVersion":"1.0.0","x":"${"x".repeat(1 << 20)}"}`],
])("VERSION answers with the newest when stdin holds %s", async (_, stdin) => {
  const { status, said } = await run({ env, stdin });
  expect(status).toBe(0);
  expect(said).toEqual({ cniVersion: "1.1.0", supportedVersions: seven });
});

test("VERSION doesn't wait for a terminal, or a pipe that nobody closes", async () => {
  const { status, said, waited } = await run({ env, stdin: silence });
  expect(status).toBe(0);
  expect(said.cniVersion).toBe("1.1.0");
  expect(waited).toBeLessThan(1000);
});

test("VERSION has enough once it has a whole value, however it is cut", async () => {
  const pieces = ['{"cniV', 'ersion":"0.3.1"', "}"].map((piece) => Buffer.from(piece));
  const { said, waited } = await run({
    env,
    stdin: (...args: Parameters<typeof silence>) => pieces.shift() ?? silence(...args),
  });
  expect(said.cniVersion).toBe("0.3.1");
  expect(waited).toBe(0);
});

test("VERSION ends though stdin never does", async () => {
  const { status } = await run({ env, stdin: () => Buffer.from("y\n".repeat(500)) });
  expect(status).toBe(0);
});

test("VERSION answers when stdin cannot be read", async () => {
  const stdin = () => {
    throw new Error("EBADF");
  };
  expect((await run({ env, stdin })).status).toBe(0);
});
