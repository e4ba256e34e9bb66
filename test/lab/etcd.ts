/**
 * A private etcd for tests, of one member or of three: what a store can suffer is done to it here.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { isIPv6 } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Identity, makeAuthority } from "./certificates.ts";
import { freePort, type Member, openMember } from "./etcd-member.ts";

export interface EtcdOptions {
  /**
   * Name or path of the namespace to run in, with the ports 2379 and 2380; by default our own, with
   * free ports.
   */
  readonly netns?: string;
  /** Where its folder is made; by default in the system's folder for such. */
  readonly folder?: string;
  /** An address of that namespace, IPv4 or IPv6; by default 127.0.0.1. */
  readonly address?: string;
  /** "mutual": clients need a certificate too. */
  readonly tls?: "server" | "mutual";
  /** Turns authentication on: this user may read and write all, and nobody else anything. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** More options of etcd, such as --quota-backend-bytes=16777216. */
  readonly more?: readonly string[];
}

export interface Etcd {
  /** What node.json's store.endpoints should be. */
  readonly endpoints: readonly string[];
  /** For a client: paths of the authority's certificate, and of the client's own. */
  readonly tls: (Identity & { readonly ca: string }) | undefined;
  /** Holds all of it; removed by stop(). */
  readonly folder: string;
  /** Its process; undefined when it is not running. */
  readonly pid: () => number | undefined;
  /** Runs etcdctl against it as its administrator; gives its standard output. */
  readonly etcdctl: (...args: readonly string[]) => string;
  /** Holds it (SIGSTOP): connections stay, nothing is answered. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it as a crash would; its data stay. */
  readonly kill: () => Promise<void>;
  /** Starts it again on its data, and waits until it answers. */
  readonly start: () => Promise<void>;
  /** Ends it and starts it without data; users are made again. Its cluster id stays. */
  readonly wipe: () => Promise<void>;
  /** Writes a backup; gives its path. */
  readonly snapshot: () => string;
  /** Ends it and starts it with what the backup holds, as an operator would. */
  readonly restore: (snapshot: string) => Promise<void>;
  /** Forgets all revisions but the latest. */
  readonly compact: () => void;
  /** Ends it and removes its folder. */
  readonly stop: () => Promise<void>;
}

/** Starts an etcd of one member and waits until it answers. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const { folder, remove } = makeFolder(options.folder);
  let member: Member | undefined;
  const stop = async () => {
    await member?.kill();
    remove();
  };
  try {
    const address = options.address ?? "127.0.0.1";
    const host = isIPv6(address) ? `[${address}]` : address;
    const { scheme, server, client, administrator } = security(folder, address, options);
    const port = async (usual: number) => (options.netns === undefined ? freePort(address) : usual);
    const peerUrl = `http://${host}:${await port(2380)}`;
    const own = openMember({
      name: "alone",
      folder,
      netns: options.netns,
      clientUrl: `${scheme}://${host}:${await port(2379)}`,
      peerUrl,
      cluster: `alone=${peerUrl}`,
      more: ["--bcrypt-cost=4", ...server, ...(options.more ?? [])],
      credentials: administrator,
    });
    member = own;
    const start = async () => {
      own.start();
      await own.ready();
    };
    const startEmpty = async () => {
      await start();
      if (options.auth !== undefined) addUsers(own, options.auth);
    };
    let snapshots = 0;
    await startEmpty();
    return {
      endpoints: [own.clientUrl],
      tls: client,
      folder,
      pid: own.pid,
      etcdctl: own.etcdctl,
      pause: own.pause,
      resume: own.resume,
      kill: own.kill,
      start,
      wipe: async () => {
        await own.kill();
        own.forget();
        await startEmpty();
      },
      snapshot: () => {
        snapshots += 1;
        const path = join(folder, `snapshot-${snapshots}`);
        own.etcdctl("snapshot", "save", path);
        return path;
      },
      restore: async (snapshot) => {
        await own.kill();
        own.forget();
        own.restore(snapshot);
        await start();
      },
      compact: () => void own.etcdctl("compact", String(revisionOf(own))),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface EtcdCluster {
  readonly endpoints: readonly string[];
  readonly members: readonly Member[];
  /** The member that leads now. */
  readonly leader: () => Member;
  readonly stop: () => Promise<void>;
}

/** Starts an etcd of three members on loopback and waits until all answer. */
export async function startEtcdCluster(): Promise<EtcdCluster> {
  const { folder, remove } = makeFolder();
  const address = "127.0.0.1";
  const url = async () => `http://${address}:${await freePort(address)}`;
  const plans: { name: string; clientUrl: string; peerUrl: string }[] = [];
  for (const name of ["one", "two", "three"]) {
    plans.push({ name, clientUrl: await url(), peerUrl: await url() });
  }
  const cluster = plans.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
  const shared = { folder, netns: undefined, cluster, more: [], credentials: [] };
  const members = plans.map((plan) => openMember({ ...plan, ...shared }));
  const stop = async () => {
    await Promise.all(members.map((member) => member.kill()));
    remove();
  };
  try {
    for (const member of members) member.start();
    await Promise.all(members.map((member) => member.ready()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: members.map(({ clientUrl }) => clientUrl),
    members,
    leader: () => {
      const found = members.find(isLeader);
      if (found === undefined) throw new Error("Cannot tell which member leads");
      return found;
    },
    stop,
  };
}

/** A folder that goes when it is removed, or when the process ends. */
function makeFolder(parent = tmpdir()) {
  const folder = mkdtempSync(join(parent, "sp-etcd-"));
  const removeIt = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeIt);
  const remove = () => {
    process.off("exit", removeIt);
    removeIt();
  };
  return { folder, remove };
}

/** What etcd, its clients and its administrator need for TLS and users. */
function security(folder: string, address: string, { tls, auth }: EtcdOptions) {
  const user = auth === undefined ? [] : [`--user=root:${rootPassword}`];
  if (tls === undefined) {
    return { scheme: "http", server: [], client: undefined, administrator: user };
  }
  const authority = makeAuthority(folder);
  const own = authority.issue("server", address);
  const client = { ca: authority.ca, ...authority.issue("client") };
  const mutual = ["--client-cert-auth", `--trusted-ca-file=${client.ca}`];
  return {
    scheme: "https",
    server: [
      `--cert-file=${own.cert}`,
      `--key-file=${own.key}`,
      ...(tls === "mutual" ? mutual : []),
    ],
    client,
    administrator: [
      ...[`--cacert=${client.ca}`, `--cert=${client.cert}`, `--key=${client.key}`],
      ...user,
    ],
  };
}

const rootPassword = "administrator";

function addUsers(member: Member, auth: { username: string; password: string }): void {
  const { etcdctl } = member;
  etcdctl("user", "add", `root:${rootPassword}`);
  etcdctl("user", "grant-role", "root", "root");
  etcdctl("user", "add", `${auth.username}:${auth.password}`);
  etcdctl("role", "add", "everything");
  etcdctl("role", "grant-permission", "everything", "--prefix=true", "readwrite", "");
  etcdctl("user", "grant-role", auth.username, "everything");
  etcdctl("auth", "enable");
}

interface Status {
  readonly Status: {
    readonly header: { readonly revision: number; readonly member_id: number };
    readonly leader: number;
  };
}

function statusOf(member: Member): Status["Status"] {
  const [status]: readonly Status[] = JSON.parse(
    member.etcdctl("endpoint", "status", "--write-out=json"),
  );
  if (status === undefined) throw new Error(`etcd at ${member.clientUrl} tells no status`);
  return status.Status;
}

const revisionOf = (member: Member): number => statusOf(member).header.revision;

function isLeader(member: Member): boolean {
  try {
    const { header, leader } = statusOf(member);
    return header.member_id === leader;
  } catch {
    return false;
  }
}
