/**
 * The store in etcd, for a cluster.
 *
 * Invariants: reads are linearizable; a commit is done once at most, and what it answers holds; a
 * watch leaves out nothing that it does not say; every call ends at its deadline and says where it
 * waited and for what.
 * Why its own module, loaded when it is asked for: gRPC costs a process more than all the rest, and
 * an ADD with a fresh cache never needs it.
 * Source: etcd 3.4 API reference; nothing is used that 3.5 and 3.6 lack.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../deadline.ts";
import type { Log } from "../log.ts";
import { openMembers } from "./etcd-ask.ts";
import { openConnector } from "./etcd-channel.ts";
import { openCommit } from "./etcd-commit.ts";
import { openConnection } from "./etcd-connection.ts";
import { createFor } from "./etcd-create.ts";
import { type EtcdConfig, readAccess } from "./etcd-endpoint.ts";
import { openLook } from "./etcd-identity.ts";
import { readKey, readRange } from "./etcd-read.ts";
import { openEtcdSession } from "./etcd-session.ts";
import { watchEtcd } from "./etcd-watch.ts";
import { keysUnder } from "./keys.ts";
import type { Session, Store } from "./store.ts";

export interface EtcdStoreDeps {
  /** The text of a file; undefined if there is none. */
  readonly readFile: (path: string) => string | undefined;
  readonly clock: Clock;
  /** From 0 up to but not 1. */
  readonly random: () => number;
  /** A text that is never given again by any process, such as a random UUID. */
  readonly newToken: () => string;
  readonly log: Log;
}

/**
 * Opens it; etcd is reached when it is first asked. Throws Failure "invalid-config" for endpoints,
 * certificates and files that cannot be used.
 */
export function openEtcdStore(config: EtcdConfig, deps: EtcdStoreDeps): Store {
  const { readFile, clock, random, newToken, log } = deps;
  const access = () => readAccess(config, readFile);
  const { endpoints } = access();
  const openChannel = openConnector();
  const members = openMembers({
    endpoints,
    connect: (endpoint) => {
      const { certificates, login } = access();
      return openConnection(openChannel(endpoint, certificates), login);
    },
    pause,
  });
  const keys = keysUnder(config.prefix);
  const commit = openCommit({ members, clock, newToken, attemptKey: keys.attempt });
  const look = openLook({ members, commit, key: keys.cluster, newIdentity: newToken });
  const closing = new AbortController();
  const sessions = new Set<Session>();
  return {
    identity: async (deadline) => (await look(deadline)).identity,
    get: async (key, deadline) => (await readKey(members, key, deadline)).entries[0],
    range: (prefix, deadline) => readRange(members, prefix, deadline),
    commit,
    watch: (prefix, from, onEvents, signal) => {
      const ended = AbortSignal.any([signal, closing.signal]);
      return watchEtcd({ members, look, clock, random, log }, prefix, from, onEvents, ended);
    },
    openSession: async (key, value, ttlSeconds, deadline) => {
      const session = await openEtcdSession(
        { members, clock, log },
        key,
        value,
        ttlSeconds,
        deadline,
      );
      sessions.add(session);
      return session;
    },
    createFor: (key, value, seconds, deadline) =>
      createFor(members, { key, value, seconds }, deadline),
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      await Promise.all([...sessions].map((session) => session.close()));
      members.close();
    },
  };
}
