import { expect, test } from "vitest";
import {
  formatNodeJson,
  readNodeJson,
  withCluster,
  withInterface,
  withoutCluster,
} from "../../../lib/cluster/node-json.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";

const part = {
  node: "host-a",
  link: "eth0",
  endpoints: ["https://192.0.2.1:2379"],
  prefix: "/socketplane/v1",
  tls: { ca: "pki/ca.pem", cert: "pki/node.pem", key: "pki/node.key" },
  insecure: false,
  etcd: "/etc/socketplane/etcd.yaml",
};

test("a cluster's keys are written, and others keep their place", () => {
  const before = { ovs: { bridge: "sp1" }, logLevel: "info" };
  const json = withCluster(before, part);
  expect(Object.keys(json)).toEqual(["ovs", "logLevel", "node", "store", "vtep", "etcd"]);
  expect(parseNodeConfig(formatNodeJson(json), "/etc/socketplane/node.json")).toMatchObject({
    node: "host-a",
    vtep: { by: "interface", name: "eth0" },
    ovs: { bridge: "sp1" },
    logLevel: "info",
    store: {
      type: "etcd",
      endpoints: part.endpoints,
      tls: { ca: "/etc/socketplane/pki/ca.pem" },
    },
    etcd: { config: "/etc/socketplane/etcd.yaml" },
  });
});

test("where etcd's program is stays said", () => {
  const before = { etcd: { program: "/opt/etcd/etcd", config: "old" } };
  expect(withCluster(before, part).etcd).toEqual({
    program: "/opt/etcd/etcd",
    config: "/etc/socketplane/etcd.yaml",
  });
});

test("without TLS and etcd there are no such keys", () => {
  const json = withCluster({}, { ...part, tls: undefined, etcd: undefined });
  expect(json.etcd).toBeUndefined();
  expect(json.store).toEqual({
    type: "etcd",
    endpoints: part.endpoints,
    prefix: "/socketplane/v1",
  });
});

test("what a cluster gave goes with it, and nothing else", () => {
  const before = { ovs: { bridge: "sp1" } };
  expect(withoutCluster(withCluster(before, part))).toEqual(before);
  expect(withoutCluster(withCluster({}, part))).toBeUndefined();
});

test("keys of before the cluster come back, in their order", () => {
  const before = {
    store: { type: "file", path: "/x" },
    vtep: { address: "192.0.2.1" },
    runDir: "/r",
  };
  const json = { ...withCluster(before, part), logLevel: "debug" };
  expect(JSON.stringify(withoutCluster(json, before))).toBe(
    JSON.stringify({ ...before, logLevel: "debug" }),
  );
});

test("that others are taken in without a token is beside what the agent is told otherwise", () => {
  const before = { agent: { listen: "127.0.0.1:9999", join: { port: 9480 } } };
  const json = withCluster(before, { ...part, insecure: true });
  const { listen, join } = parseNodeConfig(formatNodeJson(json), "node.json").agent;
  expect({ listen, join }).toEqual({
    listen: { host: "127.0.0.1", port: 9999 },
    join: { port: 9480, insecure: true },
  });
  expect(withoutCluster(json)).toEqual(before);
  expect(withoutCluster(withCluster({}, { ...part, insecure: true }))).toBeUndefined();
});

test("an interface is written for an address too", () => {
  expect(withInterface({ vtep: { address: "192.0.2.1" }, node: "a" }, "eth1")).toEqual({
    vtep: { interface: "eth1" },
    node: "a",
  });
});

test("what is no JSON object is not written over", () => {
  expect(readNodeJson(undefined, "node.json")).toEqual({});
  for (const text of ["", "[]", "{"]) {
    expect(() => readNodeJson(text, "node.json")).toThrow(
      "Cannot change node configuration node.json: it is not JSON",
    );
  }
});
