/** The samples in conf are what `cluster init` writes on a machine called host-a. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { endpointOf, formatEtcdSettings } from "../../../lib/cluster/etcd-settings.ts";
import { etcdDataDir } from "../../../lib/cluster/files.ts";
import { formatNodeJson, withCluster } from "../../../lib/cluster/node-json.ts";
import { pkiTls } from "../../../lib/cluster/pki.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";

const address = { family: 4, address: parseIp4("192.0.2.1") as never } as const;
const sample = (name: string) =>
  readFileSync(new URL(`../../../conf/${name}`, import.meta.url), "utf8");
const folder = "/etc/socketplane";

test("node-cluster.json", () => {
  const json = withCluster(
    {},
    {
      ...{ node: "host-a", link: "eth0", prefix: "/socketplane/v1", insecure: false },
      endpoints: [endpointOf(address, { secure: true })],
      tls: pkiTls,
      etcd: `${folder}/etcd.yaml`,
    },
  );
  const text = sample("node-cluster.json");
  expect(JSON.parse(text)).toEqual(JSON.parse(formatNodeJson(json)));
  expect(parseNodeConfig(text, `${folder}/node.json`).node).toBe("host-a");
});

test("etcd.yaml", () => {
  const tls = {
    ca: `${folder}/${pkiTls.ca}`,
    cert: `${folder}/${pkiTls.cert}`,
    key: `${folder}/${pkiTls.key}`,
  };
  const settings = formatEtcdSettings({ node: "host-a", address, dataDir: etcdDataDir, tls });
  expect(sample("etcd.yaml")).toBe(settings);
});
