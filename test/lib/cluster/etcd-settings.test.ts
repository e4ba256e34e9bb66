import { expect, test } from "vitest";
import { endpointOf, formatEtcdSettings } from "../../../lib/cluster/etcd-settings.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import type { VtepAddress } from "../../../lib/store/keys.ts";

const vtep = (text: string): VtepAddress => {
  const address = parseVtep(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
};
const tls = { ca: "/x/ca.pem", cert: "/x/node.pem", key: "/x/node.key" };
const settings = (address: string, security: typeof tls | undefined) =>
  JSON.parse(
    formatEtcdSettings({ node: "a", address: vtep(address), dataDir: "/data", tls: security }),
  );

test("with TLS, nothing is asked of it, or told to it, without a certificate", () => {
  const json = settings("192.0.2.1", tls);
  const urls = Object.entries(json).filter(([key]) => key.includes("-urls"));
  expect(urls.length).toBe(4);
  expect(urls.filter(([, url]) => String(url).includes("http:"))).toEqual([]);
  for (const side of ["client", "peer"]) {
    expect(json[`${side}-transport-security`]).toEqual({
      "cert-file": tls.cert,
      "key-file": tls.key,
      "trusted-ca-file": tls.ca,
      "client-cert-auth": true,
    });
  }
});

test("other machines reach its clients' port, and none its peers'", () => {
  const json = settings("192.0.2.1", tls);
  expect(json["advertise-client-urls"]).toBe("https://192.0.2.1:2379");
  expect(json["listen-client-urls"]).toBe("https://192.0.2.1:2379");
  expect(json["listen-peer-urls"]).toBe("https://127.0.0.1:9480");
  expect(json["initial-cluster"]).toBe("a=https://127.0.0.1:9480");
});

test("without TLS, it is plain everywhere", () => {
  const text = JSON.stringify(settings("192.0.2.1", undefined));
  expect(text).not.toContain("https");
  expect(text).not.toContain("security");
});

test("an IPv6 address is in brackets", () => {
  expect(endpointOf(vtep("2001:db8::1"), { secure: true })).toBe("https://[2001:db8::1]:2379");
});
