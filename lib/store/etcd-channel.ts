/**
 * A gRPC channel to one member of etcd, and its TLS.
 *
 * Not etcd3's own connections, for what was *measured* of them: they give an address as the TLS
 * server name, which Node 26 and Bun refuse, so that no "https://192.0.2.1:2379" can be reached;
 * a transaction of which it is not known whether it was done they send again; their watches go on
 * after what the server has, not after what was delivered; an expired token stays with their
 * streams. So etcd3 gives the protocol and its types, and this the connections.
 */
import { isIP, isIPv6 } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  Channel,
  type Client,
  credentials,
  type Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { Failure, reasonOf } from "../errors.ts";
import { tlsReason } from "../tls-reason.ts";
import type { Certificates, Endpoint } from "./etcd-endpoint.ts";
import { loadServices } from "./etcd-proto.ts";

type Services = (service: string) => ServiceClientConstructor;

export interface EtcdChannel {
  /** One call; `signal` gives it up. Rejects with gRPC's ServiceError. */
  readonly send: <T>(
    service: string,
    method: string,
    request: unknown,
    metadata: Metadata,
    signal: AbortSignal,
  ) => Promise<T>;
  /** A client of a service, for streams. */
  readonly client: (service: string) => Client;
  /** Ends all calls and streams. */
  readonly close: () => void;
}

/** Gives a way to open channels; nothing is sent before the first call. */
export function openConnector(): (endpoint: Endpoint, certificates: Certificates) => EtcdChannel {
  const services = loadServices();
  return (endpoint, certificates) => openChannel(services, endpoint, certificates);
}

const options = {
  // A dead peer is noticed; more often than every 5 s etcd refuses (--grpc-keepalive-min-time).
  "grpc.keepalive_time_ms": 5_500,
  "grpc.keepalive_timeout_ms": 2_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // The caller decides what is sent again.
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": -1,
  // Where the store is, no proxy of the runtime's environment decides, nor a TXT record.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // A channel that was given up takes its pause before the next try with it.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
};

function openChannel(
  services: Services,
  endpoint: Endpoint,
  certificates: Certificates,
): EtcdChannel {
  const { host, port } = endpoint;
  const target = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  const trust = credentialsFor(endpoint, certificates);
  // A server name that is an address is refused; who it is, is checked against the address.
  const named = isIP(host) === 0 ? {} : { "grpc.ssl_target_name_override": "etcd" };
  const channel = new Channel(target, trust, { ...options, ...named });
  const clients = new Map<string, InstanceType<ServiceClientConstructor>>();
  const client = (service: string) => {
    const there = clients.get(service);
    if (there !== undefined) return there;
    const Service = services(service);
    const made = new Service(target, trust, { channelOverride: channel });
    clients.set(service, made);
    return made;
  };
  return {
    send: <T>(
      service: string,
      method: string,
      request: unknown,
      metadata: Metadata,
      signal: AbortSignal,
    ) =>
      new Promise<T>((resolve, reject) => {
        const cancel = () => call.cancel();
        const call = client(service)[method]?.(
          request,
          metadata,
          {},
          (fault: ServiceError | null, answer: T) => {
            signal.removeEventListener("abort", cancel);
            if (fault === null) resolve(answer);
            else reject(fault);
          },
        );
        if (signal.aborted) cancel();
        else signal.addEventListener("abort", cancel);
      }),
    client,
    close: () => channel.close(),
  };
}

function credentialsFor({ host, secure }: Endpoint, certificates: Certificates) {
  if (!secure) return credentials.createInsecure();
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const { ca, own } = certificates;
  try {
    return credentials.createSsl(bytes(ca), bytes(own?.key), bytes(own?.cert), {
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    });
  } catch (fault) {
    throw new Failure(
      "invalid-config",
      `Cannot use the certificates of "store.tls" in node.json: ${tlsReason(reasonOf(fault))}`,
      { cause: fault },
    );
  }
}
