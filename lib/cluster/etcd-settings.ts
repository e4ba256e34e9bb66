/**
 * The configuration of the etcd that `cluster init` starts: pure.
 *
 * One member, for clients at the VTEP; who asks it anything needs a certificate of the cluster's. Its peer port is on the loopback, and as closed: who can speak there could
 * write past all that etcd asks of clients.
 * Source: etcd 3.4, etcd.conf.yml.sample; JSON is YAML too. etcd reads its certificates again for
 * each connection, so that they can be renewed under it.
 */
import { formatVtep } from "../ipam/nodes.ts";
import type { VtepAddress } from "../store/keys.ts";

export interface EtcdSettings {
  readonly node: string;
  readonly address: VtepAddress;
  /** A folder that it makes. */
  readonly dataDir: string;
  /** Paths of PEM files; undefined for --insecure. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
}

/**
 * The usual one for clients. The other is for members, of which there is one: beside ours, so that it
 * is not that of the etcd which a distribution's package starts on the loopback.
 */
export const etcdPorts = { client: 2379, peer: 9480 } as const;

/** The address that nodes reach it by. */
export const endpointOf = (
  address: VtepAddress,
  { secure }: { readonly secure: boolean },
): string => `${secure ? "https" : "http"}://${hostOf(address)}:${etcdPorts.client}`;

/** As it stands in a URL. */
const hostOf = (address: VtepAddress): string =>
  address.family === 6 ? `[${formatVtep(address)}]` : formatVtep(address);

/** The file's text. */
export function formatEtcdSettings({ node, address, dataDir, tls }: EtcdSettings): string {
  const scheme = tls === undefined ? "http" : "https";
  const advertised = endpointOf(address, { secure: tls !== undefined });
  const peer = `${scheme}://127.0.0.1:${etcdPorts.peer}`;
  const security = tls && {
    "cert-file": tls.cert,
    "key-file": tls.key,
    "trusted-ca-file": tls.ca,
    "client-cert-auth": true,
  };
  const settings = {
    name: node,
    "data-dir": dataDir,
    "listen-client-urls": advertised,
    "advertise-client-urls": advertised,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `${node}=${peer}`,
    ...(security && {
      "client-transport-security": security,
      "peer-transport-security": security,
    }),
    // What is followed is read again when it was compacted: an hour of history is plenty.
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "1h",
    logger: "zap",
    // What it does at "info" would hide what the agent says, beside which it is logged.
    "log-level": "warn",
    "log-outputs": ["stderr"],
  };
  return `${JSON.stringify(settings, undefined, 2)}\n`;
}
