/**
 * What a node says of its cluster by multicast DNS, and what is made of what others say: pure.
 *
 * Source: RFC 6763 (DNS-based service discovery).
 */
import { formatVtep, parseVtep } from "../ipam/nodes.ts";
import type { DnsQuestion, DnsRecord } from "../sys/mdns.ts";
import { isName } from "../text.ts";

/** A cluster as somebody says that it is. */
export interface Found {
  /** The store's identity, for telling one from another. */
  readonly cluster: string;
  /** Name of the node that answers. */
  readonly node: string;
  /** Where it takes others in. */
  readonly host: string;
  readonly port: number;
  /** See hashOfAuthority; undefined for a cluster without TLS. */
  readonly authority: string | undefined;
  /** Of SocketPlane. */
  readonly version: string;
}

export const service = "_socketplane._tcp.local";

/** Seconds that what is said holds. */
const ttl = 120;

/** The records of a node; `gone`: it is the last that is heard of it. */
export function recordsOf(found: Found, gone?: "gone"): readonly DnsRecord[] {
  const { cluster, node, host, port, authority, version } = found;
  const about = { ttl: gone === undefined ? ttl : 0 };
  // A dot would part a label in two; what is cut off is in the text.
  const label = `${node.replaceAll(".", "-").slice(0, 48)}-${cluster.slice(0, 8)}`;
  const name = `${label}.${service}`;
  const target = `${label}.local`;
  const trust = authority === undefined ? "insecure=1" : `ca=${authority}`;
  // A text has room for 255 bytes.
  const short = node.slice(0, 250);
  const texts = ["txtvers=1", `cluster=${cluster}`, `node=${short}`, trust, `version=${version}`];
  return [
    { ...about, type: "PTR", name: service, target: name },
    { ...about, type: "SRV", name, target, port },
    { ...about, type: "TXT", name, texts },
    { ...about, type: host.includes(":") ? "AAAA" : "A", name: target, address: host },
  ];
}

/** Whether somebody looks for clusters. */
export const isAskedFor = (questions: readonly DnsQuestion[]): boolean =>
  questions.some(
    ({ name, type }) => name.toLowerCase() === service && (type === "PTR" || type === "ANY"),
  );

/** More of them are no clusters. */
const mostRecords = 512;
/** A node has one of each kind under its name; who has more of them does not tell the truth. */
const mostOfOne = 2;

export interface Heard {
  readonly add: (records: readonly DnsRecord[]) => void;
  /** The clusters that what was heard so far makes, each way in once. */
  readonly found: () => readonly Found[];
}

/** Gathers what is heard, which may come in pieces. */
export function openHeard(): Heard {
  const records = new Map<string, DnsRecord>();
  return {
    add: (more) => {
      for (const record of more) {
        const key = JSON.stringify({ ...record, ttl: 0 }).toLowerCase();
        if (record.ttl === 0) records.delete(key);
        else if (records.size < mostRecords) records.set(key, record);
      }
    },
    found: () => {
      const all = [...records.values()];
      const ways = all.flatMap((one) =>
        one.type === "PTR" && one.name.toLowerCase() === service ? waysTo(one.target, all) : [],
      );
      return [...new Map(ways.map((one) => [JSON.stringify(one), one])).values()];
    },
  };
}

function waysTo(name: string, records: readonly DnsRecord[]): readonly Found[] {
  const under = (wanted: string, type: "TXT" | "SRV" | "host") =>
    records
      .filter((one) => one.name === wanted)
      .filter((one) =>
        type === "host" ? one.type === "A" || one.type === "AAAA" : one.type === type,
      )
      .slice(0, mostOfOne);
  return under(name, "TXT").flatMap((text) => {
    if (text.type !== "TXT") return [];
    const about = aboutOf(text.texts);
    if (about === undefined) return [];
    return under(name, "SRV").flatMap((srv) => {
      if (srv.type !== "SRV" || !(srv.port > 0 && srv.port < 65_536)) return [];
      return under(srv.target, "host").flatMap((one) => {
        const host = one.type === "A" || one.type === "AAAA" ? parseVtep(one.address) : undefined;
        return host === undefined ? [] : [{ ...about, host: formatVtep(host), port: srv.port }];
      });
    });
  });
}

/** What the texts say; undefined where anything is not as we say it. */
function aboutOf(texts: readonly string[]): Omit<Found, "host" | "port"> | undefined {
  const pairs = texts.map((text) => /^(\w+)=([\x21-\x7e]{1,253})$/.exec(text));
  const said = new Map(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
  const [cluster, node, version] = ["cluster", "node", "version"].map((key) => said.get(key));
  if (said.get("txtvers") !== "1" || cluster === undefined || version === undefined)
    return undefined;
  if (node === undefined || !isName(node, 253)) return undefined;
  const authority = said.get("ca");
  if (authority === undefined && said.get("insecure") !== "1") return undefined;
  return { cluster, node, version, authority };
}
