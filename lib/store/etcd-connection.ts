/**
 * One member of etcd: etcd3's typed calls, each with its limit, as the user that node.json names.
 *
 * Source: etcd API reference, "gRPC API" and "Authentication".
 */
import { Metadata, status } from "@grpc/grpc-js";
import { AuthClient, type ICallable, KVClient, LeaseClient, WatchClient } from "etcd3/lib/rpc.js";
import type { EtcdChannel } from "./etcd-channel.ts";
import type { Login } from "./etcd-endpoint.ts";
import { EtcdFault, faultOf } from "./etcd-fault.ts";

/** Calls that are given up after so many milliseconds; of streams, what goes before them. */
export interface Calls {
  readonly kv: KVClient;
  readonly lease: LeaseClient;
  readonly watch: WatchClient;
}

export interface Connection {
  /** Calls throw EtcdFault. */
  readonly within: (limitMs: number) => Calls;
  /** Has another token fetched before the next call. */
  readonly forgetToken: () => void;
  /** Ends all calls and streams. */
  readonly close: () => void;
}

type Send = <T>(service: string, method: string, request: unknown) => Promise<T>;

/** A limit is what another has left over: only the roundest of it tells anybody something. */
const formatLimit = (ms: number): string =>
  ms < 950 ? `${Math.ceil(ms)} ms` : `${Math.round(ms / 1000)} s`;

export function openConnection(channel: EtcdChannel, login: Login | undefined): Connection {
  let token: Promise<string> | undefined;
  const fetchToken = async ({ username, password }: Login, signal: AbortSignal) => {
    const send: Send = (service, method, request) =>
      channel.send(service, method, request, new Metadata(), signal);
    const auth = new AuthClient(callableOf(send));
    return (await auth.authenticate({ name: username, password })).token;
  };
  const metadata = async (signal: AbortSignal): Promise<Metadata> => {
    const all = new Metadata();
    // Without a leader a member says so at once, and ends watches, which would just be silent.
    all.set("hasleader", "true");
    if (login === undefined) return all;
    token ??= fetchToken(login, signal);
    try {
      all.set("token", await token);
    } catch (fault) {
      token = undefined;
      throw fault;
    }
    return all;
  };
  /** Runs `work` and gives it up at the limit. gRPC's own deadlines follow the wall clock. */
  const limited = async <T>(limitMs: number, work: (progress: Progress) => Promise<T>) => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    const progress = { signal: limit.signal, sent: false };
    try {
      return await work(progress);
    } catch (fault) {
      throw limit.signal.aborted
        ? new EtcdFault(
            status.DEADLINE_EXCEEDED,
            `no answer within ${formatLimit(limitMs)}`,
            progress,
          )
        : faultOf(fault, progress);
    } finally {
      clearTimeout(timer);
    }
  };
  const within = (limitMs: number): Calls => {
    const send: Send = (service, method, request) =>
      limited(limitMs, async (progress) => {
        const all = await metadata(progress.signal);
        progress.sent = true;
        return channel.send(service, method, request, all, progress.signal);
      });
    const callable: ICallable<undefined> = {
      ...callableOf(send),
      withConnection: (service, use) =>
        limited(limitMs, async ({ signal }) => {
          const all = await metadata(signal);
          return use({ resource: undefined, client: channel.client(service), metadata: all });
        }),
    };
    return {
      kv: new KVClient(callable),
      lease: new LeaseClient(callable),
      watch: new WatchClient(callable),
    };
  };
  return {
    within,
    forgetToken: () => {
      token = undefined;
    },
    close: channel.close,
  };
}

interface Progress {
  readonly signal: AbortSignal;
  /** Whether it has left us: then it may be carried out, whatever is heard of it. */
  sent: boolean;
}

/** What etcd3's clients stand on. */
const callableOf = (send: Send): ICallable<undefined> => ({
  exec: send,
  withConnection: () => Promise.reject(new Error("no stream is opened here")),
  markFailed: () => {},
  callOptionsFactory: undefined,
});
