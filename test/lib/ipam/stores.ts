/** The stores that a cluster's rules are tested on, and how any process of a test opens one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFfi } from "#ffi";
import type { Log } from "../../../lib/log.ts";
import type { StoreConfig } from "../../../lib/node-config.ts";
import { openEtcdStore } from "../../../lib/store/etcd.ts";
import { openFileStore } from "../../../lib/store/file.ts";
import type { Store } from "../../../lib/store/store.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";

export const ffi = openFfi();

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function openStoreOf(config: StoreConfig): Store {
  if (config.type === "file") {
    const newIdentity = () => crypto.randomUUID();
    return openFileStore({ dir: makeDir(ffi, config.path), log: silent, newIdentity });
  }
  return openEtcdStore(config, {
    readFile: () => undefined,
    clock: () => performance.now(),
    newToken: () => crypto.randomUUID(),
    random: Math.random,
    log: silent,
  });
}

export interface TestStore {
  readonly config: StoreConfig;
  /** Undefined for the file store. */
  readonly etcd: Etcd | undefined;
  readonly close: () => Promise<void>;
}

async function fileStore(): Promise<TestStore> {
  const path = mkdtempSync(join(tmpdir(), "sp-ipam-store-"));
  const close = async () => rmSync(path, { recursive: true, force: true });
  return { config: { type: "file", path }, etcd: undefined, close };
}

export async function etcdStore(): Promise<TestStore> {
  const etcd = await startEtcd();
  const { endpoints } = etcd;
  const access = { tls: undefined, username: undefined, passwordFile: undefined };
  const config = { type: "etcd", endpoints, prefix: "/socketplane/v1", ...access } as const;
  return { config, etcd, close: etcd.stop };
}

export const stores: readonly (readonly [string, () => Promise<TestStore>])[] = [
  ["the file store", fileStore],
  ["etcd", etcdStore],
];
