/** One node's addresses for each test: a run directory of its own, on the real kernel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Deadline, deadlineIn } from "../../../lib/deadline.ts";
import type { PoolDirs } from "../../../lib/ipam/assignments.ts";
import type { NodeIpam } from "../../../lib/ipam/held.ts";
import type { NetworkSpec } from "../../../lib/ipam/network.ts";
import type { Registry } from "../../../lib/ipam/networks.ts";
import { parseVtep, type ThisNode } from "../../../lib/ipam/nodes.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import type { StoreConfig } from "../../../lib/node-config.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Store } from "../../../lib/store/store.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { sleep } from "../../../lib/sys/time.ts";
import { ffi, openStoreOf, silent } from "./stores.ts";

export const soon = (): Deadline => deadlineIn(() => performance.now(), 20_000);

export function ip(text: string): Ip4 {
  const address = parseIp4(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  return address;
}

export function prefix(text: string): Prefix4 {
  const parsed = parsePrefix4(text);
  if (parsed === undefined) throw new Error(`"${text}" is no prefix`);
  return parsed;
}

export const specOf = (subnet: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  name: "web",
  subnet: prefix(subnet),
  ...more,
});

export interface IpamLab {
  readonly ipam: NodeIpam;
  readonly dirs: PoolDirs;
  readonly registry: Registry;
  readonly path: string;
  /** How often the store was asked for. */
  readonly asked: () => number;
  /** Lets time pass, milliseconds. */
  readonly pass: (ms: number) => void;
}

export interface LabOptions {
  /** A folder that another one has too. */
  readonly path?: string;
  /** A file store's folder, or any store; by default a file store of the lab's own. */
  readonly store?: string | StoreConfig;
  readonly node?: string;
  /** Without, the node is alone with its store. */
  readonly vtep?: string;
  readonly machineId?: string;
  readonly boot?: string;
  /** Changes the store as the node sees it. */
  readonly seen?: (store: Store) => Store;
}

export function ipamLab(options: LabOptions = {}): IpamLab {
  const path = options.path ?? mkdtempSync(join(tmpdir(), "sp-ipam-"));
  if (options.path === undefined) onTestFinished(() => rmSync(path, { recursive: true }));
  const asPath = (store: string | StoreConfig): StoreConfig =>
    typeof store === "string" ? { type: "file", path: store } : store;
  const config = asPath(options.store ?? join(path, "store"));
  const opened = openStoreOf(config);
  onTestFinished(() => opened.close());
  return labOn({ ...options, path }, opened, config.type === "etcd" ? config.prefix : "");
}

/** The same outside of a test: what is opened is the caller's to close. */
export function labOn(
  options: LabOptions & { readonly path: string },
  opened: Store,
  under: string,
): IpamLab {
  const { path, node: name = "a", seen = (store) => store } = options;
  const run = makeDir(ffi, join(path, "run"));
  const dirs = {
    networks: run.make("networks"),
    owners: run.make("owners"),
    ports: run.make("ports"),
  };
  const registry: Registry = {
    store: seen(opened),
    keys: keysUnder(under),
    sleep: (ms) => sleep(ffi, ms),
    random: Math.random,
  };
  let asked = 0;
  const begun = performance.now();
  let passed = 0;
  const node: ThisNode = {
    name,
    machineId: options.machineId ?? `machine of ${name}`,
    vtep: parseVtep(options.vtep ?? ""),
    boot: options.boot ?? "boot",
  };
  return {
    path,
    dirs,
    registry,
    asked: () => asked,
    pass: (ms) => {
      passed += ms;
    },
    ipam: {
      dirs,
      run,
      registry: async () => {
        asked += 1;
        return registry;
      },
      node: () => node,
      sinceBoot: () => performance.now() - begun + passed,
      log: silent,
    },
  };
}
