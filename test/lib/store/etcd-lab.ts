/** Stores opened on an etcd of a test, as processes of a cluster have them. */
import { readFileSync } from "node:fs";
import type { Log } from "../../../lib/log.ts";
import { openEtcdStore } from "../../../lib/store/etcd.ts";
import type { EtcdConfig } from "../../../lib/store/etcd-endpoint.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { silent } from "./lab.ts";

export const prefix = "/socketplane/test";

export const etcdConfig = (config: Partial<EtcdConfig>): EtcdConfig => ({
  type: "etcd",
  endpoints: [],
  prefix,
  tls: undefined,
  username: undefined,
  passwordFile: undefined,
  ...config,
});

/** A store as one process has it. */
export const openEtcd = (config: Partial<EtcdConfig>, log: Log = silent): Store =>
  openEtcdStore(etcdConfig(config), {
    readFile: (path) => readFileSync(path, "utf8"),
    clock: () => performance.now(),
    random: Math.random,
    newToken: () => crypto.randomUUID(),
    log,
  });

/** An etcd that a test file has to itself, and a store on it. */
export interface OwnEtcd {
  readonly etcd: Etcd;
  readonly store: Store;
  readonly close: () => Promise<void>;
}

export async function openOwnEtcd(): Promise<OwnEtcd> {
  const etcd = await startEtcd();
  const store = openEtcd({ endpoints: etcd.endpoints });
  const close = async () => {
    await store.close();
    await etcd.stop();
  };
  return { etcd, store, close };
}
