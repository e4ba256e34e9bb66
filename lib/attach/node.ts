/** Opens this node: its configuration, run directory and store; what plugin, command and agent share. */
import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { absentDir, type Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { lockNumberOf } from "../hash.ts";
import { type AttachmentId, ownerName } from "../ipam/assignment.ts";
import type { PoolDirs } from "../ipam/assignments.ts";
import { unmarkFresh } from "../ipam/freshness.ts";
import type { NodeIpam } from "../ipam/held.ts";
import type { Registry } from "../ipam/networks.ts";
import { forgetAll } from "../ipam/release.ts";
import { type Level, type Log, levels } from "../log.ts";
import {
  defaultNodeConfig,
  defaultNodeConfigPath,
  type NodeConfig,
  parseNodeConfig,
  type StoreConfig,
} from "../node-config.ts";
import { keysUnder } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { type Drivers, type Host, openHost } from "./host.ts";
import { vtepOf } from "./underlay.ts";

/** The world as cmd/ hands it in. */
export interface World extends Drivers {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, symlinks followed; undefined if there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** Opens a folder of ours, made if absent. */
  readonly makeDir: (path: string) => Dir;
  /** The same; undefined if there is none. */
  readonly openDir: (path: string) => Dir | undefined;
  readonly openStore: (config: StoreConfig, log: Log) => Promise<Store>;
  readonly clock: Clock;
  /** From 0 up to but not 1. */
  readonly random: () => number;
  readonly log: (least: Level) => Log;
}

/** Where the operator's command has node.json, be it there or not. */
export const nodeConfigPath = (world: Pick<World, "env">, chosen: string | undefined): string =>
  chosen ?? (world.env.SOCKETPLANE_CONFIG || defaultNodeConfigPath);

/**
 * Finds and reads node.json: `chosen` (--config), else SOCKETPLANE_CONFIG, else `configured`
 * ("nodeConfig" in the CNI configuration), else the default path, which may be missing.
 */
export function loadNodeConfig(
  world: Pick<World, "env" | "readFile">,
  chosen: string | undefined,
  configured: string | undefined,
): NodeConfig {
  const inEnv = world.env.SOCKETPLANE_CONFIG || undefined;
  const named = chosen ?? inEnv ?? configured;
  const path = named ?? defaultNodeConfigPath;
  const text = world.readFile(path);
  if (text !== undefined) return parseNodeConfig(text, path);
  if (named === undefined) return defaultNodeConfig();
  const namedBy = chosen
    ? "--config"
    : inEnv
      ? "SOCKETPLANE_CONFIG"
      : '"nodeConfig" in the CNI configuration';
  throw new Failure("invalid-config", `Cannot read node configuration ${path}: there is none`, {
    details: `${namedBy} names it. Without that, ${defaultNodeConfigPath} is read if it is there.`,
  });
}

/** Opens the node. Nothing is connected to yet: switch and store are reached when first needed. */
export function openNode(world: World, config: NodeConfig): Host {
  const run = world.makeDir(config.runDir);
  const dirs: PoolDirs = {
    networks: run.open("networks") ?? run.make("networks"),
    owners: run.open("owners") ?? run.make("owners"),
    ports: run.open("ports") ?? run.make("ports"),
  };
  startAfresh(world, run, dirs);
  return hostOf(world, config, run, dirs);
}

/**
 * Opens the node for who only looks: no folder is made, nothing of an earlier boot is cleared away,
 * and a folder that is not there is empty.
 */
export function openToLook(world: World, config: NodeConfig): Host {
  const run = world.openDir(config.runDir) ?? absentDir(config.runDir);
  const opened = (name: string) => run.open(name) ?? absentDir(`${run.path}/${name}`);
  const dirs = { networks: opened("networks"), owners: opened("owners"), ports: opened("ports") };
  return hostOf(world, config, run, dirs);
}

/** What opens node after node would run out of file descriptors: a command's end closes the folders, too. */
export function closeNode({
  close,
  run,
  ipam: { dirs },
}: Pick<Host, "close" | "run" | "ipam">): void {
  close();
  for (const dir of [dirs.networks, dirs.owners, dirs.ports, run]) dir.close();
}

function hostOf(world: World, config: NodeConfig, run: Dir, dirs: PoolDirs): Host {
  const log = world.log(levelOf(world, config));
  let opened: Promise<Registry> | undefined;
  const openRegistry = async (): Promise<Registry> => {
    const prefix = config.store.type === "etcd" ? config.store.prefix : "";
    const store = await world.openStore(config.store, log);
    const { sleep } = world.kernel;
    return { store, keys: keysUnder(prefix), sleep, random: world.random };
  };
  const ipam: NodeIpam = {
    dirs,
    run,
    registry: () => {
      opened ??= openRegistry();
      return opened;
    },
    node: () => ({
      name: nodeName(world, config),
      machineId: machineId(world),
      vtep: config.store.type === "file" ? undefined : vtepOf(host),
      boot: world.kernel.bootId(),
    }),
    sinceBoot: world.kernel.sinceBoot,
    log,
  };
  const host = openHost(world, { config, run, ipam, clock: world.clock, log });
  return host;
}

/** ADD, DEL and CHECK of one attachment exclude each other, by a lock that dies with the process. */
export function lockAttachment(host: Host, id: AttachmentId, deadline: Deadline): () => void {
  return host.run.lockRange("attachments.lock", lockNumberOf(ownerName(id)), deadline);
}

/** How long a command may take, milliseconds: well below kubelet's four minutes. */
const commandMs = 20_000;

export const commandDeadline = (clock: Clock): Deadline => deadlineIn(clock, commandMs);

/**
 * After a reboot no container lives: what a run directory that outlived it says is void. (It
 * belongs on a tmpfs, where it doesn't.)
 */
function startAfresh(world: World, run: Dir, dirs: PoolDirs): void {
  const boot = world.kernel.bootId();
  const marker = run.read("boot");
  if (marker === boot) return;
  const unlock = run.lock("boot.lock", "exclusive", commandDeadline(world.clock));
  try {
    if (run.read("boot") === boot) return;
    if (marker !== undefined) {
      forgetAll(dirs);
      // Its time of the earlier boot comes again in this one.
      unmarkFresh({ run });
    }
    run.replace("boot", boot);
  } finally {
    unlock();
  }
}

function levelOf(world: World, config: NodeConfig): Level {
  const asked = world.env.SOCKETPLANE_LOG;
  return levels.includes(asked as Level) ? (asked as Level) : config.logLevel;
}

/** What a machine is called that is alone with its store. */
const onlyNode = "local";

/** Throws Failure "invalid-config" where it has none. */
export function nodeName(world: Pick<World, "kernel">, config: NodeConfig): string {
  // A store of this machine's own needs no name to tell it from others by, and a hostname that a
  // DHCP server changes must not part it from its blocks.
  if (config.node === undefined && config.store.type === "file") return onlyNode;
  const name = config.node ?? world.kernel.readSysctl("kernel/hostname")?.trim();
  if (name !== undefined && name !== "" && name !== "(none)") return name;
  throw new Failure("invalid-config", "Cannot name this node: it has no hostname", {
    details: 'Give it one, or set "node" in node.json.',
  });
}

/** Of /etc/machine-id. */
export function machineId(world: Pick<World, "readFile">): string {
  const id = world.readFile("/etc/machine-id")?.trim();
  return id === undefined || id === "" ? "unknown" : id;
}
