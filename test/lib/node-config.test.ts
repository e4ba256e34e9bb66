import { describe, expect, test } from "vitest";
import { Failure } from "../../lib/errors.ts";
import { parseIp4 } from "../../lib/net/ip4.ts";
import { parseIp6 } from "../../lib/net/ip6.ts";
import { defaultNodeConfig, parseNodeConfig } from "../../lib/node-config.ts";

const parse = (json: unknown) => parseNodeConfig(JSON.stringify(json), "/etc/node.json");

function faultsOf(text: string): readonly string[] {
  try {
    parseNodeConfig(text, "/etc/node.json");
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.kind !== "invalid-config") throw failure;
    const start = "Cannot use node configuration /etc/node.json: ";
    expect(failure.message.startsWith(start)).toBe(true);
    return failure.details?.split("\n") ?? [failure.message.slice(start.length)];
  }
  return [];
}

test("every key has a default", () => {
  expect(parse({})).toEqual(defaultNodeConfig());
  expect(defaultNodeConfig()).toEqual({
    node: undefined,
    store: { type: "file", path: "/var/lib/socketplane" },
    vtep: { by: "default route" },
    ovs: { runDir: "/var/run/openvswitch", bridge: "sp0", datapath: "auto" },
    agent: {
      listen: { host: "127.0.0.1", port: 9478 },
      logFile: "/var/log/socketplane/agent.log",
      join: { port: 9479, insecure: false },
    },
    etcd: undefined,
    runDir: "/run/socketplane",
    logLevel: "warn",
  });
});

test("every key can be set", () => {
  const ovs = { runDir: "/run/ovs", bridge: "br-int", datapath: "netdev" };
  const json = { node: "host-a.example", ovs, runDir: "/run/sp", logLevel: "debug" };
  const store = { type: "file", path: "/data" };
  const join = { port: 80, insecure: true };
  const agent = { listen: "[::1]:80", logFile: "/var/log/sp.log", join };
  const etcd = { program: "/opt/etcd", config: "etcd.yaml" };
  expect(parse({ ...json, store, agent, etcd })).toEqual({
    ...json,
    store,
    vtep: { by: "default route" },
    agent: { listen: { host: "::1", port: 80 }, logFile: "/var/log/sp.log", join },
    etcd: { program: "/opt/etcd", config: "/etc/etcd.yaml" },
  });
});

test("a store of type etcd has its keys, and a prefix of its own", () => {
  const endpoints = ["https://192.0.2.1:2379"];
  expect(parse({ store: { type: "etcd", endpoints } }).store).toEqual({
    type: "etcd",
    endpoints,
    prefix: "/socketplane/v1",
    tls: undefined,
    username: undefined,
    passwordFile: undefined,
  });
  const all = {
    type: "etcd",
    endpoints,
    prefix: "/sp",
    tls: { ca: "ca.pem", cert: "node.pem", key: "node.key" },
    username: "sp",
    passwordFile: "etcd.pass",
  };
  // Relative to the file that names them.
  expect(parse({ store: all }).store).toEqual({
    ...all,
    tls: { ca: "/etc/ca.pem", cert: "/etc/node.pem", key: "/etc/node.key" },
    passwordFile: "/etc/etcd.pass",
  });
  const tls = { ca: "/ca.pem" };
  expect(parse({ store: { ...all, tls } }).store).toMatchObject({ tls });
});

test.each([
  [{ interface: "eth0" }, { by: "interface", name: "eth0" }],
  [
    { address: "192.0.2.1" },
    { by: "address", address: { family: 4, address: parseIp4("192.0.2.1") } },
  ],
  [
    { address: "2001:db8::1" },
    { by: "address", address: { family: 6, address: parseIp6("2001:db8::1") } },
  ],
])("the VTEP %j", (vtep, expected) => {
  expect(parse({ vtep }).vtep).toEqual(expected);
});

describe("what is wrong", () => {
  test.each<[unknown, readonly string[]]>([
    ["any", ["it is not an object"]],
    [[], ["it is not an object"]],
    [{ stroe: {} }, ['"stroe" is not a known key: did you mean "store"?']],
    [{ ovs: { rundir: "/x" } }, ['"ovs.rundir" is not a known key: did you mean "runDir"?']],
    [
      { colour: "red" },
      [
        '"colour" is not a known key: known are "node", "store", "vtep", "ovs", "agent", "etcd", "runDir", "logLevel"',
      ],
    ],
    [{ runDir: "run" }, ['"runDir" must be an absolute path, not "run"']],
    [{ runDir: "/a\0b" }, ['"runDir" must be an absolute path, not "/a\\u0000b"']],
    [{ node: "a b" }, [`"node" must be a name of letters, digits, '-', '_' and '.', not "a b"`]],
    [{ node: "" }, [`"node" must be a name of letters, digits, '-', '_' and '.', not ""`]],
    [
      { ovs: { bridge: "sixteen-letters-" } },
      ['"ovs.bridge" must be a link name of 1 to 15 characters, not "sixteen-letters-"'],
    ],
    [
      { ovs: { bridge: "a/b" } },
      ['"ovs.bridge" must be a link name of 1 to 15 characters, not "a/b"'],
    ],
    [
      { ovs: { bridge: ".." } },
      ['"ovs.bridge" must be a link name of 1 to 15 characters, not ".."'],
    ],
    [{ ovs: [] }, ['"ovs" is not an object']],
    [
      { logLevel: "loud" },
      ['"logLevel" must be one of "debug", "info", "warn", "error", not "loud"'],
    ],
    [
      { store: { type: "file", endpoints: [] } },
      ['"store.endpoints" belongs to a store of type "etcd"'],
    ],
    [
      { store: { type: "etcd", path: "/data", endpoints: ["http://192.0.2.1"] } },
      ['"store.path" belongs to a store of type "file"'],
    ],
    [{ store: { type: "etcd" } }, ['"store.endpoints" must be a list of one or more URLs']],
    [{ vtep: {} }, ['"vtep.interface" or "address" must be given, and not both']],
    [
      { vtep: { interface: "eth0", address: "192.0.2.1" } },
      ['"vtep.interface" or "address" must be given, and not both'],
    ],
    [
      { vtep: { address: "192.0.2" } },
      ['"vtep.address" must be an IPv4 or IPv6 address, not "192.0.2"'],
    ],
    ...["9478", "localhost:9478", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:80"].map(
      (listen): [unknown, readonly string[]] => [
        { agent: { listen } },
        [`"agent.listen" must be an address and a port, as 127.0.0.1:9478, not "${listen}"`],
      ],
    ),
  ])("%j", (json, faults) => {
    expect(faultsOf(JSON.stringify(json))).toEqual(faults);
  });

  test("is told all at once", () => {
    const json = { nod: 1, runDir: 1, ovs: { datapath: "fast" }, store: { type: "disk" } };
    expect(faultsOf(JSON.stringify(json))).toHaveLength(4);
  });

  test.each(["", "{", "node: a"])("%j is not JSON", (text) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(/^it is not JSON: line 1, column \d/)]);
  });
});
