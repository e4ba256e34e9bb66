/** How joining reaches the network: multicast DNS and HTTP; made in cmd/. */
import type { HttpQuestion, HttpReply } from "../sys/http-client.ts";
import type { Mdns } from "../sys/mdns.ts";

/** Where a cluster takes in others, TCP. */
export const joinPort = 9479;

export interface Endpoint {
  /** An address, or a name. */
  readonly host: string;
  readonly port: number;
}

/** What is needed to find a cluster and to join it. */
export interface JoinDrivers {
  /** By the interface's own address. Throws Failure "io" where its port can't be shared. */
  readonly openMdns: (address: string) => Promise<Mdns>;
  /** Throws Failure "try-again" where nobody answers in time, "store-refused" where TLS refuses. */
  readonly askHttp: (question: HttpQuestion) => Promise<HttpReply>;
}
