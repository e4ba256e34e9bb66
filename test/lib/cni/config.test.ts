/** What CNI asks of stdin: size, JSON, name, version; prevResult; what GC is given. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Version, versions } from "../../../lib/cni/versions.ts";
import { attachmentEnv, type Given, run, silence } from "./fake-io.ts";

const probe = fileURLToPath(new URL("deep-probe.ts", import.meta.url));
const bun = fileURLToPath(new URL("../../../node_modules/.bin/bun", import.meta.url));

const good = { cniVersion: "1.1.0", name: "web", type: "socketplane" };

const command = (CNI_COMMAND: string, stdin: unknown, more: Partial<Given> = {}) =>
  run({ env: { CNI_COMMAND, ...attachmentEnv }, stdin, ...more });

const all = { ...good, prevResult: {}, "cni.dev/valid-attachments": [] };

test.each([
  ["nothing", ""],
  ["white space", " \n"],
  ["half an object", '{"name":"web"'],
  ["two values", "{}{}"],
  ["no UTF-8", Buffer.from('{"cniVersion":"1.1.0","name":"web","label":"Z\xfcrich"}', "latin1")],
  ["a list", "[]"],
  ["null", "null"],
  ["a text", '"x"'],
  ["a number", "1e999"],
])("stdin with %s is code 6", async (_, stdin) => {
  for (const verb of ["ADD", "CHECK", "DEL", "GC", "STATUS"]) {
    const { status, said, requests } = await command(verb, stdin);
    expect(status).not.toBe(0);
    expect(said).toMatchObject({ code: 6, cniVersion: "1.1.0" });
    expect(said.msg).toMatch(new RegExp(`^Cannot run ${verb}: stdin `));
    expect(requests).toEqual([]);
  }
});

test("stdin that cannot be read is code 5", async () => {
  const { said } = await command("ADD", () => {
    throw new Error("the pipe is broken");
  });
  expect(said.code).toBe(5);
  expect(said.msg).toContain("the pipe is broken");
});

test("a fault of the environment gives the code before one of stdin", async () => {
  const closed = () => {
    throw new Error("the pipe is broken");
  };
  for (const stdin of [closed, "no JSON", { name: "-" }, { ...good, cniVersion: "9" }]) {
    const { said } = await run({ env: { CNI_COMMAND: "ADD", CNI_IFNAME: "eth0" }, stdin });
    expect(said.code).toBe(4);
    expect(said.details).toContain("[CNI_CONTAINERID,CNI_NETNS]");
  }
});

test("stdin that never comes, and one that never ends, are code 5 after a while", async () => {
  expect((await command("ADD", silence)).said.code).toBe(5);
  const dribble = (_: unknown, wait: (ms: number) => void) => {
    wait(1000);
    return Buffer.from(" ");
  };
  const { said, waited } = await command("ADD", dribble);
  expect(said.code).toBe(5);
  expect(waited).toBe(30_000);
});

test("stdin of more than 16 MiB is code 6, and is not read on", async () => {
  let chunks = 0;
  const { said } = await command("ADD", () => {
    chunks += 1;
    return new Uint8Array(1 << 20).fill(0x20);
  });
  expect(said.code).toBe(6);
  expect(chunks).toBe(17);
});

test("stdin of many megabytes is taken", async () => {
  const { status } = await command("ADD", { ...good, big: "x".repeat(15 << 20) });
  expect(status).toBe(0);
});

test("stdin may come in pieces, cut anywhere", async () => {
  const bytes = Buffer.from(JSON.stringify({ ...good, label: "Zürich" }));
  let at = 0;
  const byByte = () => (at < bytes.length ? bytes.subarray(at, ++at) : undefined);
  const { requests } = await command("ADD", byByte);
  expect(requests[0]?.config.raw.label).toBe("Zürich");
  expect(Buffer.from(requests[0]?.config.bytes ?? []).equals(bytes)).toBe(true);
});

test.each([undefined, null, "", "-web", "web 1", "web/1", "wéb", "web\n", 7, {}, ["web"]])(
  "the name %j is code 7",
  async (name) => {
    for (const verb of ["ADD", "CHECK", "DEL", "GC", "STATUS"]) {
      const { said, requests } = await command(verb, { ...all, name });
      expect(said.code).toBe(7);
      expect(said.msg).toContain('"name"');
      expect(requests).toEqual([]);
    }
  },
);

test.each(["a/b", "/bin/sh", "..//x", "a\0b", 5])("the type %j is code 7", async (type) => {
  expect((await command("ADD", { ...good, type })).said.code).toBe(7);
  expect((await command("ADD", { ...good, ipam: { type } })).said.code).toBe(7);
});

test.each(["2.0.0", "1.2.0", "0.5.0", "1.1", "v1.1.0", "1.1.0 ", "01.1.0", "__proto__"])(
  "the version %j is code 1, told in our newest, with both sides' versions",
  async (cniVersion) => {
    for (const verb of ["ADD", "CHECK", "DEL", "GC", "STATUS"]) {
      const { said } = await command(verb, { ...all, cniVersion });
      expect(said).toMatchObject({ code: 1, cniVersion: "1.1.0" });
      expect(said.msg).toContain("incompatible CNI versions");
      expect(said.msg).toContain(JSON.stringify(cniVersion));
      expect(said.msg).toContain(versions.join(", "));
    }
  },
);

test("a version that is no text is code 6", async () => {
  expect((await command("ADD", { ...good, cniVersion: 1.1 })).said.code).toBe(6);
});

test.each([undefined, null, ""])("no version (%j) is 0.1.0", async (cniVersion) => {
  const { status, said } = await command("ADD", { ...good, cniVersion });
  expect(status).toBe(0);
  expect(said.cniVersion).toBe("0.1.0");
  const check = await command("CHECK", { ...all, cniVersion });
  expect(check.said).toMatchObject({ code: 1, cniVersion: "0.1.0" });
});

const least: Readonly<Record<string, Version>> = {
  ADD: "0.1.0",
  DEL: "0.1.0",
  CHECK: "0.4.0",
  GC: "1.1.0",
  STATUS: "1.1.0",
};

test.each(
  Object.entries(least).flatMap(([verb, since]) =>
    versions.map((version) => ({ verb, version, since })),
  ),
)("$verb in $version (allowed since $since)", async ({ verb, version, since }) => {
  const { status, said, requests } = await command(verb, { ...all, cniVersion: version });
  if (versions.indexOf(version) >= versions.indexOf(since)) {
    expect(status).toBe(0);
    expect(requests[0]?.config.cniVersion).toBe(version);
  } else {
    expect(said).toMatchObject({ code: 1, cniVersion: version });
    expect(said.msg).toContain(`config version does not allow ${verb}`);
  }
});

test("keys that we don't know are tolerated, and kept for the plugin", async () => {
  const others = {
    "cni.dev/anything": { a: 1 },
    cniVersions: ["1.0.0", "1.1.0"],
    runtimeConfig: {},
    args: { cni: {}, other: { x: 1 } },
    capabilities: { portMappings: true },
    disableCheck: "true",
    disableGC: false,
    loadOnlyInlinedPlugins: true,
    prevResult: {},
    dns: {},
    whatever: [1, { two: 3 }],
  };
  for (const verb of ["ADD", "CHECK", "DEL", "STATUS"]) {
    const { status, requests } = await command(verb, { ...good, ...others });
    expect(status).toBe(0);
    expect(requests[0]?.config.raw).toEqual({ ...good, ...others });
  }
});

test("ipam is kept as it came", async () => {
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.2.0.0/16" }]] };
  expect((await command("ADD", { ...good, ipam })).requests[0]?.config.ipam).toEqual({
    type: "host-local",
    raw: ipam,
  });
  const none = (await command("ADD", { ...good, ipam: {} })).requests[0]?.config.ipam;
  expect(none).toEqual({ type: undefined, raw: {} });
  expect((await command("ADD", good)).requests[0]?.config.ipam).toBeUndefined();
  expect((await command("ADD", { ...good, ipam: "dhcp" })).said.code).toBe(7);
});

test("the last of two equal keys counts", async () => {
  const twice = '{"cniVersion":"9.9.9","name":"-","name":"web","cniVersion":"1.0.0"}';
  const { said, requests } = await command("ADD", twice);
  expect(said.cniVersion).toBe("1.0.0");
  expect(requests[0]?.config.name).toBe("web");
});

test("__proto__ and constructor are keys like any other", async () => {
  const hostile =
    '{"name":"web","cniVersion":"1.1.0","__proto__":{"type":"evil","polluted":1},' +
    '"constructor":{"prototype":{"polluted":1}},"runtimeConfig":{"__proto__":{"mac":"?"}},' +
    '"args":{"__proto__":{"cni":{"ips":["?"]}}},"prevResult":{"__proto__":{"ips":"?"}}}';
  const { status, requests } = await command("ADD", hostile, { honours: ["__proto__"] });
  expect(status).toBe(0);
  expect(requests[0]?.config.type).toBeUndefined();
  expect(requests[0]).toMatchObject({ requested: { ips: [], mac: undefined } });
  expect("polluted" in {}).toBe(false);
});

test.each(["node", "bun"])(
  "what is nested a hundred thousand deep does no harm under %s",
  async (name) => {
    const program = name === "node" ? process.execPath : bun;
    const child = spawn(program, [probe], { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    await new Promise((done) => child.on("close", done));
    expect(JSON.parse(stdout)).toEqual({
      "an unknown key": [0, null],
      name: [1, 7],
      type: [1, 7],
      cniVersion: [1, 6],
      ipam: [1, 7],
      prevResult: [1, 7],
      runtimeConfig: [1, 7],
      args: [1, 7],
      capability: [1, 2],
    });
  },
);

test("all faults are told together", async () => {
  const { said } = await command("ADD", { cniVersion: "3", name: "-", type: "a/b" });
  expect(said.code).toBe(1);
  for (const text of ["incompatible CNI versions", '"name"', '"type"']) {
    expect(said.msg).toContain(text);
    expect(String(said.details).split("\n").join()).toContain(text);
  }
});

test("prevResult is taken in the configuration's version, and handed on", async () => {
  const prevResult = { ip4: { ip: "10.2.0.2/16" }, dns: { domain: "a" } };
  const { requests } = await command("ADD", { ...good, cniVersion: "0.2.0", prevResult });
  expect(requests[0]).toMatchObject({
    prevResult: { ips: [{ family: 4, length: 16 }], dns: { domain: "a" } },
  });
});

test("a prevResult that states another version is taken in that one", async () => {
  const prevResult = { CNIVersion: "0.4.0", ips: [{ version: "4", address: "10.2.0.2/16" }] };
  const { requests } = await command("CHECK", { ...good, prevResult });
  expect(requests[0]).toMatchObject({ prevResult: { ips: [{ family: 4, length: 16 }] } });
});

test("ADD has no prevResult when it comes first", async () => {
  for (const prevResult of [undefined, null]) {
    const { requests } = await command("ADD", { ...good, prevResult });
    expect(requests[0]).toMatchObject({ command: "ADD", prevResult: undefined });
  }
});

test("CHECK without prevResult is code 7", async () => {
  const { said } = await command("CHECK", good);
  expect(said.code).toBe(7);
  expect(said.msg).toContain('"prevResult" is missing');
});

test.each([{}, null, undefined, "corrupt", { ips: "?" }, { cniVersion: "9" }, [1]])(
  "DEL does its work with prevResult %j",
  async (prevResult) => {
    expect((await command("DEL", { ...good, prevResult })).status).toBe(0);
  },
);

test("DEL does its work though what was asked for was nonsense", async () => {
  const asked = { runtimeConfig: { mac: 5, ips: "x", bandwidth: [] }, args: 5 };
  expect((await command("DEL", { ...good, ...asked })).status).toBe(0);
});

test("GC takes valid-attachments, under either name", async () => {
  const list = [
    { containerID: "c1", ifname: "eth0", more: 1 },
    { ContainerID: "c2", IfName: "eth1" },
  ];
  const parsed = [
    { containerId: "c1", ifname: "eth0" },
    { containerId: "c2", ifname: "eth1" },
  ];
  const valid = "cni.dev/valid-attachments";
  const old = "cni.dev/attachments";
  for (const keys of [{ [valid]: list }, { [old]: list }, { [valid]: list, [old]: [] }]) {
    const { requests } = await command("GC", { ...good, ...keys });
    expect(requests[0]).toMatchObject({ command: "GC", validAttachments: parsed });
  }
  const none = await command("GC", { ...good, [valid]: [] });
  expect(none.requests[0]).toMatchObject({ validAttachments: [] });
});

test.each([
  [{}],
  [{ "cni.dev/valid-attachments": null }],
  [{ "cni.dev/valid-attachments": {} }],
  [{ "cni.dev/valid-attachments": "c1" }],
  [{ "cni.dev/valid-attachments": ["c1"] }],
  [{ "cni.dev/valid-attachments": [{ containerID: "c1" }] }],
  [{ "cni.dev/valid-attachments": [{ containerID: 1, ifname: "eth0" }] }],
  [{ "cni.dev/valid-attachments": [{ containerID: "", ifname: "eth0" }] }],
])("GC with %j is refused, code 7: nothing is removed by mistake", async (keys) => {
  const { said, requests } = await command("GC", { ...good, ...keys });
  expect(said.code).toBe(7);
  expect(requests).toEqual([]);
});
