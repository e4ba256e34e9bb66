/**
 * The files of a cluster on this machine: node.json, and beside it "pki" and etcd's settings.
 *
 * What a machine is in a cluster follows from them alone, so that a command that was killed is
 * ended by the next one.
 */
import { nodeConfigPath, type World } from "../attach/node.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { defaultNodeConfig, type NodeConfig, parseNodeConfig } from "../node-config.ts";
import { formatNodeJson, readNodeJson, withoutCluster } from "./node-json.ts";
import { type Pki, pkiFiles, readPki, writePki } from "./pki.ts";

/** Where etcd has its data that `cluster init` starts. */
export const etcdDataDir = "/var/lib/socketplane/etcd";

const etcdFile = "etcd.yaml";
/** Is there while a command is at work. */
const lockFile = "cluster.lock";
/** Is there from the first deed of a leave to its last. */
const leavingFile = "cluster.leaving";
/** node.json as it was before the cluster. */
const keptFile = "node.json.before";

export interface ClusterFiles {
  /** --config. */
  readonly chosen: string | undefined;
  /** Of node.json. */
  readonly path: string;
  /** That it is in. */
  readonly folder: string;
  /** Of etcd's settings. */
  readonly etcdPath: string;
  readonly json: () => Readonly<Record<string, unknown>>;
  readonly config: () => NodeConfig;
  readonly pki: () => Partial<Pki>;
  /** Runs what changes them, alone. Throws Failure "try-again" where another one is at it. */
  readonly alone: <T>(action: string, body: () => Promise<T>) => Promise<T>;
  /** Whether this machine runs the cluster's etcd. */
  readonly runsEtcd: () => boolean;
  /** Gives what puts back what was there. */
  readonly writeNodeJson: (json: Readonly<Record<string, unknown>>) => () => void;
  /** Keeps it as it is, for `restoreNodeJson`. */
  readonly keepNodeJson: () => () => void;
  /** As it was when it was kept, but for keys that are none of a cluster's. */
  readonly restoreNodeJson: () => void;
  readonly writeEtcd: (text: string) => () => void;
  readonly writePki: (pki: Pki) => () => void;
  /** That leaving has begun: its etcd may not answer any more. */
  readonly markLeaving: () => void;
  readonly isLeaving: () => boolean;
  /** Removes certificates, keys, etcd's settings and that mark. */
  readonly removeRest: () => void;
}

export function openFiles(
  world: Pick<World, "env" | "readFile" | "makeDir">,
  chosen: string | undefined,
): ClusterFiles {
  const path = nodeConfigPath(world, chosen);
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0)) || ".";
  const name = path.slice(path.lastIndexOf("/") + 1);
  const etcdPath = `${folder}/${etcdFile}`;
  const read = () => world.readFile(path);
  const inside = <T>(act: (dir: Dir) => T): T => {
    const dir = world.makeDir(folder);
    try {
      return act(dir);
    } finally {
      dir.close();
    }
  };
  const write = (file: string, text: string | undefined) => {
    const before = inside((dir) => dir.read(file));
    set(file, text);
    return () => set(file, before);
  };
  const set = (file: string, text: string | undefined) =>
    inside((dir) => {
      if (text === undefined) dir.remove(file);
      else dir.replace(file, text);
    });
  return {
    chosen,
    path,
    folder,
    etcdPath,
    alone: async (action, body) => {
      const dir = world.makeDir(folder);
      try {
        const unlock = lockNow(dir, action);
        try {
          return await body();
        } finally {
          dir.remove(lockFile);
          unlock();
        }
      } finally {
        dir.close();
      }
    },
    json: () => readNodeJson(read(), path),
    config: () => {
      const text = read();
      return text === undefined ? defaultNodeConfig() : parseNodeConfig(text, path);
    },
    pki: () =>
      Object.fromEntries(
        Object.entries(pkiFiles).map(([key, file]) => [
          key,
          world.readFile(`${folder}/pki/${file}`),
        ]),
      ),
    runsEtcd: () => world.readFile(etcdPath) !== undefined,
    writeNodeJson: (json) => write(name, formatNodeJson(json)),
    keepNodeJson: () => write(keptFile, read()),
    restoreNodeJson: () => {
      const text = world.readFile(`${folder}/${keptFile}`);
      const before = readNodeJson(text, `${folder}/${keptFile}`);
      const left = withoutCluster(readNodeJson(read(), path), before);
      const isSame = JSON.stringify(left) === JSON.stringify(before);
      set(name, isSame ? text : left && formatNodeJson(left));
      set(keptFile, undefined);
    },
    writeEtcd: (text) => write(etcdFile, text),
    writePki: (pki) =>
      inside((dir) => {
        const before = withPki(dir, readPki);
        withPki(dir, (folder) => writePki(folder, pki));
        return () => inside((again) => putBack(again, before));
      }),
    markLeaving: () => set(leavingFile, ""),
    isLeaving: () => world.readFile(`${folder}/${leavingFile}`) !== undefined,
    removeRest: () =>
      inside((dir) => {
        removePki(dir);
        dir.remove(etcdFile);
        dir.remove(leavingFile);
      }),
  };
}

function lockNow(dir: Dir, action: string): () => void {
  try {
    return dir.lock(lockFile, "exclusive", { left: () => 0 });
  } catch (fault) {
    if (!(fault instanceof Failure) || fault.kind !== "try-again") throw fault;
    throw new Failure("try-again", `Cannot ${action}: another cluster command is at work here`, {
      cause: fault,
    });
  }
}

function withPki<T>(dir: Dir, act: (folder: Dir) => T): T {
  const folder = dir.make("pki");
  try {
    return act(folder);
  } finally {
    folder.close();
  }
}

function putBack(dir: Dir, before: Partial<Pki>): void {
  const { ca, cert, key, caKey } = before;
  removePki(dir);
  if (ca === undefined || cert === undefined || key === undefined) return;
  withPki(dir, (folder) => writePki(folder, { ca, cert, key, caKey }));
}

function removePki(dir: Dir): void {
  const folder = dir.open("pki");
  if (folder === undefined) return;
  for (const file of Object.values(pkiFiles)) folder.remove(file);
  folder.close();
  // Somebody else's files in it stay.
  dir.removeDir("pki");
}
