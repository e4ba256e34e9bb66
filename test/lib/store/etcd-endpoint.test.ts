import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import { type EtcdConfig, readAccess } from "../../../lib/store/etcd-endpoint.ts";
import { etcdConfig } from "./etcd-lab.ts";

const files: Readonly<Record<string, string>> = {
  "/ca.pem": "-----BEGIN CERTIFICATE-----\nca",
  "/node.pem": "-----BEGIN CERTIFICATE-----\nnode",
  "/node.key": "-----BEGIN PRIVATE KEY-----\nkey",
  "/pass": "secret\n",
  "/not.pem": "something",
};
const read = (config: Partial<EtcdConfig>) => readAccess(etcdConfig(config), (path) => files[path]);

test.each([
  ["http://192.0.2.1:2379", { host: "192.0.2.1", port: 2379, secure: false }],
  ["https://192.0.2.1", { host: "192.0.2.1", port: 2379, secure: true }],
  ["https://etcd-1.example:443/", { host: "etcd-1.example", port: 443, secure: true }],
  ["https://[2001:db8::1]:2379", { host: "2001:db8::1", port: 2379, secure: true }],
])("endpoint %s", (url, expected) => {
  expect(read({ endpoints: [url] }).endpoints).toEqual([{ url, ...expected }]);
});

test("files are read, and a password without the end of its line", () => {
  const tls = { ca: "/ca.pem", cert: "/node.pem", key: "/node.key" };
  const endpoints = ["https://192.0.2.1"];
  const access = read({ endpoints, tls, username: "sp", passwordFile: "/pass" });
  expect(access.certificates).toEqual({
    ca: files["/ca.pem"],
    own: { cert: files["/node.pem"], key: files["/node.key"] },
  });
  expect(access.login).toEqual({ username: "sp", password: "secret" });
  expect(read({ endpoints })).toMatchObject({
    certificates: { ca: undefined, own: undefined },
    login: undefined,
  });
});

describe("what cannot be used", () => {
  const endpoints = ["https://192.0.2.1:2379"];
  test.each<[Partial<EtcdConfig>, string]>([
    [{ endpoints: ["192.0.2.1:2379"] }, 'it does not begin with "http://" or "https://"'],
    [{ endpoints: ["etcd"] }, 'it does not begin with "http://" or "https://"'],
    [{ endpoints: ["ftp://192.0.2.1:2379"] }, "not a URL"],
    [{ endpoints: ["sp:secret@192.0.2.1:2379"] }, '"...@192.0.2.1:2379": not a URL'],
    [{ endpoints: ["https://192.0.2.1:99999"] }, "not a URL"],
    [{ endpoints: ["https://sp:secret@192.0.2.1"] }, "not a URL"],
    [{ endpoints: ["unix:/run/etcd.sock"] }, "not a URL"],
    [{ endpoints: ["http://192.0.2.1"], tls: { ca: "/ca.pem" } }, 'has no "https:"'],
    [{ endpoints, tls: { cert: "/node.pem" } }, "belong together"],
    [{ endpoints, tls: { ca: "/none.pem" } }, "/none.pem, and there is no such file"],
    [{ endpoints, tls: { ca: "/not.pem" } }, "no certificate or key in PEM"],
    [{ endpoints, username: "sp" }, "belong together"],
    [{ endpoints, passwordFile: "/pass" }, "belong together"],
    [{ endpoints, username: "sp", passwordFile: "/none" }, "/none, and there is no such file"],
  ])("%j", (config, state) => {
    const reading = () => read(config);
    expect(reading).toThrow(Failure);
    expect(reading).toThrow(state);
  });
});

test("a password in an endpoint, where it does not belong, is in no message", () => {
  const reading = () => read({ endpoints: ["https://sp:secret@192.0.2.1"] });
  expect(reading).toThrow('Cannot use endpoint "https://...@192.0.2.1": not a URL');
});
