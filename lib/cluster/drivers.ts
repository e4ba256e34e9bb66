/** How joining reaches the network: multicast DNS and HTTP; made in cmd/. */

/** A record as we send and read them (RFC 6763); others are left out. */
export type DnsRecord =
  | { readonly type: "PTR"; readonly name: string; readonly ttl: number; readonly target: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly ttl: number;
      readonly target: string;
      readonly port: number;
    }
  | {
      readonly type: "TXT";
      readonly name: string;
      readonly ttl: number;
      readonly texts: readonly string[];
    }
  | {
      readonly type: "A" | "AAAA";
      readonly name: string;
      readonly ttl: number;
      readonly address: string;
    };

export interface DnsQuestion {
  readonly name: string;
  /** "PTR", "SRV", "ANY" and so on. */
  readonly type: string;
}

/** Multicast DNS on one interface. */
export interface Mdns {
  readonly ask: (questions: readonly DnsQuestion[]) => void;
  readonly answer: (records: readonly DnsRecord[]) => void;
  readonly onQuestions: (hear: (questions: readonly DnsQuestion[]) => void) => void;
  /** Answers come from whoever likes to send them. */
  readonly onAnswers: (hear: (records: readonly DnsRecord[]) => void) => void;
  /** Resolves when what was sent has left. */
  readonly close: () => Promise<void>;
}

export interface Endpoint {
  /** An address, or a name. */
  readonly host: string;
  readonly port: number;
}

export interface HttpQuestion extends Endpoint {
  readonly path: string;
  /** Without: GET. */
  readonly body?: string | undefined;
  /**
   * "plain": HTTP. "anybody": TLS, whoever answers: what is heard is to be checked by other means.
   * Else PEM: the authority that the server must be of, and who we are to it.
   */
  readonly trust:
    | "plain"
    | "anybody"
    | { readonly ca: string; readonly own?: { readonly cert: string; readonly key: string } };
  /** Milliseconds for all of it. */
  readonly patienceMs: number;
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/** What the operator's command needs to join. */
export interface JoinDrivers {
  /** By the interface's own address. Throws Failure "io" where its port can't be shared. */
  readonly openMdns: (address: string) => Promise<Mdns>;
  /** Throws Failure "try-again" where nobody answers in time, "store-refused" where TLS refuses. */
  readonly askHttp: (question: HttpQuestion) => Promise<HttpReply>;
}
