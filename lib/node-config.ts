/**
 * node.json: what one machine is told. Every key is optional; an unknown one is an error.
 *
 * Pure: the text is handed in, and found by the caller in this order: --config,
 * SOCKETPLANE_CONFIG, "nodeConfig" in the CNI configuration, the default path.
 */

import { collectFaults, type Reader } from "./faults.ts";
import { parseJson } from "./json.ts";
import { faultInJson } from "./json-fault.ts";
import { type Level, levels } from "./log.ts";
import { type Ip4, parseIp4 } from "./net/ip4.ts";
import { type Ip6, parseIp6 } from "./net/ip6.ts";
import { isName } from "./text.ts";

export const defaultNodeConfigPath = "/etc/socketplane/node.json";

export type StoreConfig =
  /** The embedded store: one machine, no server. */
  | { readonly type: "file"; readonly path: string }
  | {
      readonly type: "etcd";
      readonly endpoints: readonly string[];
      readonly prefix: string;
      /** Paths of PEM files. */
      readonly tls:
        | { readonly ca?: string; readonly cert?: string; readonly key?: string }
        | undefined;
      readonly username: string | undefined;
      readonly passwordFile: string | undefined;
    };

export type VtepConfig =
  /** The interface of the default route. */
  | { readonly by: "default route" }
  | { readonly by: "interface"; readonly name: string }
  | {
      readonly by: "address";
      readonly address: { family: 4; address: Ip4 } | { family: 6; address: Ip6 };
    };

export interface EtcdChildConfig {
  /** Path of etcd's executable; undefined: where distributions have it. */
  readonly program: string | undefined;
  /** Path of its settings (--config-file). */
  readonly config: string;
}

export interface NodeConfig {
  /** This machine's name in the cluster; undefined: its hostname, or "local". */
  readonly node: string | undefined;
  readonly store: StoreConfig;
  readonly vtep: VtepConfig;
  readonly ovs: {
    /** Where db.sock and <bridge>.mgmt are. */
    readonly runDir: string;
    readonly bridge: string;
    /** "auto": system if the kernel has the module, else netdev. */
    readonly datapath: "auto" | "system" | "netdev";
  };
  readonly agent: {
    /** Where it answers /healthz and /metrics. */
    readonly listen: { readonly host: string; readonly port: number };
    /** Where it logs when it is started in the background. */
    readonly logFile: string;
    /** How others are taken into the cluster, on the node that has the authority's key. */
    readonly join: {
      /** TCP, on the VTEP's address. */
      readonly port: number;
      /** A cluster without TLS: whoever reaches the port is taken in. */
      readonly insecure: boolean;
    };
  };
  /** The etcd that the agent runs as a child of its own; undefined: none. */
  readonly etcd: EtcdChildConfig | undefined;
  readonly runDir: string;
  readonly logLevel: Level;
}

/** Reads node.json; `path` is for messages. Throws Failure "invalid-config" naming all faults. */
export function parseNodeConfig(text: string, path: string): NodeConfig {
  const faults = collectFaults();
  const json = parseJson(text);
  if (json === undefined) faults.add(`it is not JSON: ${faultInJson(text)}`);
  const root = faults.object(json ?? {}, "", [
    "node",
    "store",
    "vtep",
    "ovs",
    "agent",
    "etcd",
    "runDir",
    "logLevel",
  ]);
  const ovs = root.inner("ovs", ["runDir", "bridge", "datapath"]);
  const agent = root.inner("agent", ["listen", "logFile", "join"]);
  const join = agent?.inner("join", ["port", "insecure"]);
  const config: NodeConfig = {
    node: root.parsed("node", "a name of letters, digits, '-', '_' and '.'", nameOf),
    store: storeOf(root.inner("store", ["type", "path", ...etcdKeys]), folderOf(path)),
    vtep: vtepOf(root.inner("vtep", ["interface", "address"])),
    ovs: {
      runDir: ovs?.parsed("runDir", "an absolute path", absolute) ?? "/var/run/openvswitch",
      bridge: ovs?.parsed("bridge", "a link name of 1 to 15 characters", linkNameOf) ?? "sp0",
      datapath: ovs?.oneOf("datapath", ["auto", "system", "netdev"]) ?? "auto",
    },
    agent: {
      listen: agent?.parsed("listen", "an address and a port, as 127.0.0.1:9478", listenOf) ?? {
        host: "127.0.0.1",
        port: 9478,
      },
      logFile:
        agent?.parsed("logFile", "an absolute path", absolute) ?? "/var/log/socketplane/agent.log",
      join: {
        port: join?.integer("port", 1, 65_535) ?? 9479,
        insecure: join?.flag("insecure") ?? false,
      },
    },
    etcd: etcdChildOf(root.inner("etcd", ["program", "config"]), folderOf(path)),
    runDir: root.parsed("runDir", "an absolute path", absolute) ?? "/run/socketplane",
    logLevel: root.oneOf("logLevel", levels) ?? "warn",
  };
  faults.settle("invalid-config", `Cannot use node configuration ${path}`);
  return config;
}

/** What holds where there is no node.json. */
export const defaultNodeConfig = (): NodeConfig => parseNodeConfig("{}", "(defaults)");

const etcdKeys = ["endpoints", "prefix", "tls", "username", "passwordFile"] as const;

/** What its files are named by is relative to `folder`. */
function storeOf(store: Reader | undefined, folder: string): StoreConfig {
  const type = store?.oneOf("type", ["file", "etcd"]) ?? "file";
  if (store === undefined || type === "file") {
    for (const key of etcdKeys) {
      if (store?.has(key)) store.fault(key, 'belongs to a store of type "etcd"');
    }
    const path = store?.parsed("path", "an absolute path", absolute);
    return { type: "file", path: path ?? "/var/lib/socketplane" };
  }
  if (store.has("path")) store.fault("path", 'belongs to a store of type "file"');
  const endpoints = (store.list("endpoints") ?? []).filter((one) => typeof one === "string");
  if (endpoints.length === 0) store.fault("endpoints", "must be a list of one or more URLs");
  const tls = store.inner("tls", ["ca", "cert", "key"]);
  return {
    type: "etcd",
    endpoints,
    prefix: store.text("prefix") ?? "/socketplane/v1",
    tls: tls === undefined ? undefined : tlsOf(tls, folder),
    username: store.text("username"),
    passwordFile: fileOf(store, "passwordFile", folder),
  };
}

function etcdChildOf(etcd: Reader | undefined, folder: string): EtcdChildConfig | undefined {
  if (etcd === undefined) return undefined;
  const program = etcd.parsed("program", "an absolute path", absolute);
  const config = fileOf(etcd, "config", folder);
  if (config === undefined && !etcd.has("config")) etcd.fault("config", "must be given");
  return { program, config: config ?? "" };
}

function tlsOf(tls: Reader, folder: string) {
  const ca = fileOf(tls, "ca", folder);
  const cert = fileOf(tls, "cert", folder);
  const key = fileOf(tls, "key", folder);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function fileOf(reader: Reader, key: string, folder: string): string | undefined {
  const path = reader.text(key);
  return path === undefined || path.startsWith("/") ? path : folder + path;
}

/** With its slash; empty for a file in the working directory. */
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

function vtepOf(vtep: Reader | undefined): VtepConfig {
  if (vtep === undefined) return { by: "default route" };
  const name = vtep.parsed("interface", "a link name of 1 to 15 characters", linkNameOf);
  const address = vtep.parsed("address", "an IPv4 or IPv6 address", addressOf);
  if (vtep.has("interface") === vtep.has("address")) {
    vtep.fault("interface", 'or "address" must be given, and not both');
  }
  if (address !== undefined) return { by: "address", address };
  return name === undefined ? { by: "default route" } : { by: "interface", name };
}

function addressOf(text: string) {
  const address = parseIp4(text);
  if (address !== undefined) return { family: 4, address } as const;
  const address6 = parseIp6(text);
  return address6 === undefined ? undefined : ({ family: 6, address: address6 } as const);
}

/** 127.0.0.1:9478, [::1]:9478 */
function listenOf(text: string): NodeConfig["agent"]["listen"] | undefined {
  const [, ip4, ip6, port = ""] = /^(?:([\d.]+)|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$/.exec(text) ?? [];
  const host = ip4 ?? ip6 ?? "";
  const isAddress = ip4 === undefined ? parseIp6(host) : parseIp4(host);
  const number = Number(port);
  if (isAddress === undefined || number < 1 || number > 65535) return undefined;
  return { host, port: number };
}

const absolute = (text: string) =>
  text.startsWith("/") && !text.includes("\0") ? text : undefined;

const nameOf = (text: string) => (isName(text, 253) ? text : undefined);

/** A link's name as the kernel takes it (dev_valid_name, net/core/dev.c). */
function linkNameOf(text: string): string | undefined {
  const fits = text.length > 0 && text.length <= 15 && text !== "." && text !== "..";
  return fits && !/[/:\s]/.test(text) ? text : undefined;
}
