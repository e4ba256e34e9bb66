/**
 * What a node is like, read from outside: files, kernel, switch and store as other programs show
 * them, and none of the code under test.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type FirewallFacts, firewallOf } from "./firewall-facts.ts";
import type { Container, LabNode, StoredEntry } from "./node.ts";
import { must } from "./run.ts";

type Json = Readonly<Record<string, unknown>>;

/** One link of an address's or an owner's file. */
export interface AssignmentFact {
  /** The file's place in the run directory. */
  readonly file: string;
  readonly network: string;
  /** "10.2.0.64-26@17" */
  readonly block: string;
  readonly address: string;
  readonly mac: string;
  /** Undefined where the address has no port on the switch. */
  readonly ofport: number | undefined;
  readonly name: string;
  readonly containerId: string;
  readonly ifname: string;
}

/** A link of a container that is there. */
export interface InnerFact {
  readonly containerId: string;
  readonly ifname: string;
  readonly mac: string;
  /** Of both families, without link-local ones. */
  readonly addresses: readonly string[];
}

/** An Interface row of the switch's database. */
export interface PortFact {
  readonly link: string;
  readonly ofport: number | undefined;
  /** What it says after "socketplane-", and "role". */
  readonly ids: Readonly<Record<string, string>>;
}

export interface LeaseFact {
  readonly network: string;
  readonly node: string;
  /** First and last address, as numbers. */
  readonly first: number;
  readonly last: number;
  /** As a block's folder is named. */
  readonly block: string;
  /** Of a single address whose MAC was asked for. */
  readonly mac?: string;
}

/** A folder that addresses are given from, or with ".lost" at its end, no longer. */
export interface BlockFact {
  readonly network: string;
  /** "10.2.0.64-26@17" */
  readonly block: string;
}

export interface NodeFacts {
  readonly node: string;
  readonly blocks: readonly BlockFact[];
  /** Addresses that are taken. */
  readonly taken: readonly AssignmentFact[];
  readonly owners: readonly AssignmentFact[];
  /** Port numbers that are taken. */
  readonly numbers: readonly number[];
  /** Files that no command leaves that came to its end. */
  readonly strays: readonly string[];
  /** Files on their way to their names; a killed command leaves them, and they harm nobody. */
  readonly temporaries: readonly string[];
  /** Names of the links in the node's namespace. */
  readonly links: readonly string[];
  readonly ports: readonly PortFact[];
  /** Numbers of the ports that there are flows for, by their cookies. */
  readonly flowPorts: readonly number[];
  /** Numbers of the ports that there are meters for, which have two numbers each. */
  readonly meterPorts: readonly number[];
  readonly inner: readonly InnerFact[];
  readonly leases: readonly LeaseFact[];
  readonly firewall: FirewallFacts;
}

export async function factsOf(node: LabNode): Promise<NodeFacts> {
  const { netns } = node;
  const there = node.containers.filter(({ path }) => existsSync(path));
  // Each is a program or more to wait for, after every test: all at once.
  const [links, inner, rows, store, firewall] = await Promise.all([
    must({ netns, argv: ["ip", "-j", "link"] }),
    Promise.all(there.map(innerOf)),
    switchOf(node),
    node.readStore(),
    firewallOf(netns),
  ]);
  return {
    node: node.name,
    ...runDirFacts(node.runDir),
    links: (JSON.parse(links) as readonly Json[]).map(({ ifname }) => String(ifname)),
    ...rows,
    inner: inner.flat(),
    leases: leasesIn(store),
    firewall,
  };
}

function runDirFacts(runDir: string) {
  const at = (place: string) => join(runDir, place);
  const read = (file: string) => assignmentOf(file, readFileSync(at(file), "utf8"));
  const owners = namesIn(at("owners")).map((name) => `owners/${name}`);
  const networks = namesIn(at("networks")).map((name) => `networks/${name}`);
  const inNetworks = networks.flatMap((place) =>
    namesIn(at(place)).map((name) => `${place}/${name}`),
  );
  const blocks = inNetworks.filter((place) => statSync(at(place)).isDirectory());
  const taken = blocks.flatMap((block) => namesIn(at(block)).map((name) => `${block}/${name}`));
  const expected =
    /^(networks\/[^/]+\/(last|lock|(cache|peers)\.json|[\d.-]+@\d+((\.lost)?(\/[\d.]+)?|\.given))|owners\/.*)$/;
  const all = [...owners, ...inNetworks, ...taken];
  // The node's own address is begun anew by the next ADD, which finds that file.
  const isTemporary = (file: string) =>
    file.includes("/.new-") || file.endsWith("/claiming") || /^owners\/@node:.*\.new$/.test(file);
  return {
    blocks: blocks.map((place) => {
      const [, network = "", block = ""] = place.split("/");
      return { network, block };
    }),
    temporaries: all.filter(isTemporary),
    taken: taken.map(read).filter((one) => one !== undefined),
    owners: owners
      .filter((file) => !file.endsWith(".new"))
      .map(read)
      .filter((one) => one !== undefined),
    numbers: namesIn(at("ports")).map(Number),
    strays: [
      ...all.filter((file) => !expected.test(file) || file.endsWith(".new")),
      ...[...owners, ...taken].filter((file) => read(file) === undefined),
    ].filter((file) => !isTemporary(file)),
  };
}

/** Undefined for a file that is not whole. */
function assignmentOf(file: string, text: string): AssignmentFact | undefined {
  try {
    const json: Json = JSON.parse(text);
    const { network, block, address, mac, name, containerId, ifname, ofport } = json;
    const texts = { network, block, address, mac, name, containerId, ifname };
    if (Object.values(texts).some((value) => typeof value !== "string")) return undefined;
    return {
      ...(texts as Omit<AssignmentFact, "file" | "ofport">),
      file,
      ofport: ofport as number,
    };
  } catch {
    return undefined;
  }
}

async function innerOf(container: Container): Promise<readonly InnerFact[]> {
  const shown = await must({ netns: container.netns, argv: ["ip", "-j", "address"] });
  const links = JSON.parse(shown) as readonly Json[];
  return links
    .filter(({ link_type }) => link_type !== "loopback")
    .map(({ ifname, address, addr_info }) => ({
      containerId: container.id,
      ifname: String(ifname),
      mac: String(address),
      addresses: (addr_info as readonly Json[])
        .filter(({ scope }) => scope === "global")
        .map(({ local }) => String(local)),
    }));
}

async function switchOf({ ovs }: LabNode) {
  const columns = "--columns=name,ofport,external_ids";
  // Each answer on lines of its own; the table is one.
  const list = ["--format=json", columns, "list", "Interface", "--", "list-br"];
  const [ports = "", ...bridges] = (await ovs.asked.vsctl(...list)).split("\n");
  const names = bridges.filter((name) => name !== "");
  const dumps = (what: string) => Promise.all(names.map((name) => ovs.asked.ofctl(what, name)));
  const [flows, meters] = await Promise.all([dumps("dump-flows"), dumps("dump-meters")]);
  return {
    ports: portsIn(ports),
    flowPorts: flowPortsOf(flows),
    meterPorts: meterPortsOf(meters),
  };
}

/** Every interface that carries our mark, on whatever bridge. */
function portsIn(json: string): readonly PortFact[] {
  const table = JSON.parse(json);
  return (table.data as readonly (readonly [string, unknown, [string, [string, string][]]])[])
    .map(([link, ofport, [, pairs]]) => ({
      link,
      ofport: typeof ofport === "number" ? ofport : undefined,
      ids: Object.fromEntries(
        pairs.map(([key, value]) => [
          key === "socketplane" ? "role" : key.slice("socketplane-".length),
          value,
        ]),
      ),
    }))
    .filter(({ ids }) => ids.role !== undefined);
}

/** A cookie is 16 bits "SP", 8 bits part (3: an attachment), 40 bits which one. */
function flowPortsOf(dumps: readonly string[]): readonly number[] {
  const cookies = dumps.join("\n").matchAll(/cookie=0x535003([0-9a-f]{10}),/g);
  return [...new Set(Array.from(cookies, ([, which = ""]) => Number.parseInt(which, 16)))];
}

function meterPortsOf(dumps: readonly string[]): readonly number[] {
  const meters = dumps.join("\n").matchAll(/meter=(\d+)/g);
  return [...new Set(Array.from(meters, ([, id]) => Math.floor(Number(id) / 2)))];
}

/** The leases of a store, of all nodes. */
export function leasesIn(entries: readonly StoredEntry[]): readonly LeaseFact[] {
  return entries.flatMap(({ key, value, modRevision }) => {
    const found = /leases\/([^/]+)\/([0-9a-f]{8})-(\d\d)$/.exec(key);
    if (found === null) return [];
    const [, network = "", hex = "", length = ""] = found;
    const base = Number.parseInt(hex, 16);
    const dotted = [24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join(".");
    const { node, mac } = JSON.parse(value);
    return {
      network,
      node,
      ...(mac !== undefined && { mac }),
      first: base,
      last: base + 2 ** (32 - Number(length)) - 1,
      block: `${dotted}-${Number(length)}@${modRevision}`,
    };
  });
}

const namesIn = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder) : [];
