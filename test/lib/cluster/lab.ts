/** A join service as the agent runs it, on a port of its own, and those who ask it. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JoinWish } from "../../../lib/cluster/join.ts";
import { openJoinService } from "../../../lib/cluster/join-service.ts";
import { longest } from "../../../lib/cluster/messages.ts";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Registry } from "../../../lib/ipam/networks.ts";
import type { Fields, Log } from "../../../lib/log.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Store } from "../../../lib/store/store.ts";
import { askHttp } from "../../../lib/sys/http-client.ts";
import { serveJoining } from "../../../lib/sys/join-server.ts";
import { createAuthority, openAuthority } from "../../../lib/trust/authority.ts";
import { issueNode } from "../../../lib/trust/certificate.ts";
import type { Token } from "../../../lib/trust/token.ts";

export const host = "127.0.0.1";
export const soon = () => deadlineIn(() => performance.now(), 20_000);
export const drivers = { askHttp };

/** Milliseconds that the lab's server has patience with a connection. */
export const patienceMs = 1_500;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export const newAuthority = async (now = new Date()) => {
  const made = await createAuthority(now);
  return { ...made, authority: await openAuthority(made) };
};

export interface Said {
  readonly level: string;
  readonly message: string;
  readonly fields: Fields | undefined;
}

export function openRecord(): { readonly log: Log; readonly said: readonly Said[] } {
  const said: Said[] = [];
  const at = (level: string) => (message: string, fields?: Fields) =>
    void said.push({ level, message, fields });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { log, said };
}

export interface JoinLab {
  readonly at: { readonly host: string; readonly port: number };
  readonly ca: string;
  readonly hash: string;
  readonly registry: Registry;
  readonly said: readonly Said[];
  readonly wish: (token: Token | undefined, more?: Partial<JoinWish>) => JoinWish;
  /** Lets time pass for the service, milliseconds. */
  readonly pass: (ms: number) => void;
  readonly issue: (name: string) => Promise<{ readonly cert: string; readonly key: string }>;
  readonly close: () => void;
}

export const registryOf = (store: Store, prefix = "/socketplane/v1"): Registry => ({
  store,
  keys: keysUnder(prefix),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
});

/** "plain": a cluster without TLS. */
export async function openJoinLab(store: Store, how: "tls" | "plain" = "tls"): Promise<JoinLab> {
  const { authority, cert: ca } = await newAuthority();
  const now = new Date();
  const own = await issueNode(authority, { name: "host-a", addresses: [host] }, now);
  const registry = registryOf(store, `/join/${process.pid}-${Math.random()}`);
  const { log, said } = openRecord();
  let passed = 0;
  const answer = openJoinService({
    registry,
    authority: how === "tls" ? authority : undefined,
    store: { endpoints: ["https://192.0.2.1:2379"], prefix: "/socketplane/v1" },
    clock: () => performance.now() + passed,
    wallClock: Date.now,
    log,
  });
  const port = await freePort();
  const server = await serveJoining({
    host,
    port,
    identity: how === "tls" ? { ...own, ca } : undefined,
    longest: longest.question,
    patienceMs,
    answer,
  });
  const at = { host, port };
  return {
    at,
    ca,
    hash: authority.hash,
    registry,
    said,
    wish: (token, more) => ({
      at,
      token,
      node: "host-b",
      vtep: "192.0.2.2",
      machineId: "machine-b",
      ...more,
    }),
    pass: (ms) => {
      passed += ms;
    },
    issue: (name) => issueNode(authority, { name, addresses: [] }, now),
    close: server.close,
  };
}

export function makeFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "sp-cluster-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
