/**
 * Multicast DNS on one interface: questions and answers, as far as services are found by them.
 *
 * Nothing that is heard can be believed: whoever is on the segment may say anything. What is not of
 * the segment (RFC 6762, section 11), too long, or no DNS, is not heard.
 * Sources: RFC 6762, RFC 6763; multicast-dns, which is loaded here.
 */
import { Failure, reasonOf } from "../errors.ts";

/** A record as we send and read them; others are left out. */
export type DnsRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: "PTR"; readonly target: string }
  | { readonly type: "SRV"; readonly target: string; readonly port: number }
  | { readonly type: "TXT"; readonly texts: readonly string[] }
  | { readonly type: "A" | "AAAA"; readonly address: string }
);

export interface DnsQuestion {
  readonly name: string;
  /** "PTR", "SRV", "ANY" and so on. */
  readonly type: string;
}

export interface Mdns {
  /** Asks for a name's PTR records. */
  readonly ask: (name: string) => void;
  readonly answer: (records: readonly DnsRecord[]) => void;
  readonly onQuestions: (hear: (questions: readonly DnsQuestion[]) => void) => void;
  readonly onAnswers: (hear: (records: readonly DnsRecord[]) => void) => void;
  /** Resolves when what was sent has left. */
  readonly close: () => Promise<void>;
}

/** Throws Failure "io" where no interface has the address, or its port can't be shared. */
export async function openMdns(address: string): Promise<Mdns> {
  const { networkInterfaces } = await import("node:os");
  const { BlockList } = await import("node:net");
  const { default: makeMdns } = await import("multicast-dns");
  const refuse = (state: string, cause?: unknown) =>
    new Failure("io", `Cannot speak multicast DNS on ${address}: ${state}`, { cause });
  const all = Object.entries(networkInterfaces()).flatMap(([name, held = []]) =>
    held.map((one) => ({ ...one, link: name })),
  );
  const own = all.find((one) => one.address === address);
  if (own === undefined) throw refuse("no link has it, or it is down");
  const family = own.family === "IPv6" ? "ipv6" : "ipv4";
  const segment = new BlockList();
  // The link's other addresses of this family are of the segment as well, as fe80::/10 is.
  for (const { cidr, link, family: of } of all) {
    const [base = "", length = ""] = cidr?.split("/") ?? [];
    if (link === own.link && of === own.family) segment.addSubnet(base, Number(length), family);
  }
  const socket = makeMdns(
    family === "ipv4"
      ? // Bound to the address itself, it would hear no multicast.
        { interface: address, bind: "0.0.0.0" }
      : { type: "udp6", ip: "ff02::fb", interface: `::%${own.link}`, bind: "::" },
  );
  const isOfSegment = ({ address: from }: { readonly address: string }) =>
    segment.check(from.replace(/%.*$/, ""), family);
  // What can't be read, and a link that is away for a while. Some faults are told twice, and one that
  // nobody hears would end the process.
  for (const event of ["warning", "error"] as const) socket.on(event, () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once("ready", () => resolve());
    socket.once("error", (fault) => reject(refuse(reasonOf(fault), fault)));
  }).catch((fault: unknown) => {
    socket.destroy();
    throw fault;
  });
  let sending = Promise.resolve();
  const send = (how: (sent: () => void) => void) => {
    sending = Promise.all([sending, new Promise<void>((sent) => how(() => sent()))]).then(() => {});
  };
  return {
    ask: (name) => send((sent) => socket.query({ questions: [{ name, type: "PTR" }] }, sent)),
    answer: (records) => send((sent) => socket.respond({ answers: records.map(packed) }, sent)),
    onQuestions: (hear) =>
      void socket.on("query", ({ questions = [] }, from) => {
        if (isOfSegment(from)) hear(questions.map(({ name, type }) => ({ name, type })));
      }),
    onAnswers: (hear) =>
      void socket.on("response", ({ answers = [], additionals = [] }, from) => {
        if (isOfSegment(from)) hear([...answers, ...additionals].flatMap(unpacked));
      }),
    close: async () => {
      await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, closeMs))]);
      await new Promise<void>((resolve) => socket.destroy(resolve));
    },
  };
}

/** Milliseconds that the last answer has to leave. */
const closeMs = 500;

type Packet = Parameters<ReturnType<typeof import("multicast-dns")>["respond"]>[0];
type Answer = Extract<Packet, readonly unknown[]>[number];

function packed(record: DnsRecord): Answer {
  const { name, ttl } = record;
  switch (record.type) {
    case "PTR":
      return { type: "PTR", name, ttl, data: record.target };
    case "SRV":
      return { type: "SRV", name, ttl, data: { target: record.target, port: record.port } };
    case "TXT":
      return { type: "TXT", name, ttl, data: [...record.texts] };
    default:
      return { type: record.type, name, ttl, data: record.address };
  }
}

function unpacked(answer: Answer): readonly DnsRecord[] {
  if (!("name" in answer) || !("ttl" in answer)) return [];
  const { name } = answer;
  const ttl = answer.ttl ?? 0;
  switch (answer.type) {
    case "PTR":
      return [{ type: "PTR", name, ttl, target: answer.data }];
    case "SRV":
      return [{ type: "SRV", name, ttl, target: answer.data.target, port: answer.data.port }];
    case "TXT": {
      const texts = Array.isArray(answer.data) ? answer.data : [answer.data];
      return [{ type: "TXT", name, ttl, texts: texts.map(String) }];
    }
    case "A":
    case "AAAA":
      return [{ type: answer.type, name, ttl, address: answer.data }];
    default:
      return [];
  }
}
