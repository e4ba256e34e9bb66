/** What is made of what is heard, whoever says it. */
import { expect, test } from "vitest";
import { isAskedFor, openHeard, recordsOf, service } from "../../../lib/cluster/announcement.ts";
import type { DnsRecord } from "../../../lib/sys/mdns.ts";

const found = {
  cluster: "8f14e45f-ceea-467f-a0e6-000000000000",
  node: "host-a.example",
  host: "192.0.2.1",
  port: 9479,
  authority: "a".repeat(52),
  version: "0.1.0",
};
const heardOf = (...batches: readonly (readonly DnsRecord[])[]) => {
  const heard = openHeard();
  for (const batch of batches) heard.add(batch);
  return heard.found();
};
const records = recordsOf(found);
const with_ = (type: DnsRecord["type"], more: object): readonly DnsRecord[] =>
  records.map((one) => (one.type === type ? ({ ...one, ...more } as DnsRecord) : one));
const texts = (...more: readonly string[]) =>
  with_("TXT", { texts: ["txtvers=1", "cluster=c", "node=n", "version=1", ...more] });

test("what a node says of its cluster is found, in whatever pieces it comes", () => {
  expect(heardOf(records)).toEqual([found]);
  expect(heardOf(...records.map((one) => [one]))).toEqual([found]);
  expect(heardOf([...records].reverse(), records)).toEqual([found]);
  const six = { ...found, host: "2001:db8::1" };
  expect(heardOf(recordsOf(six))).toEqual([six]);
  const { authority: _none, ...open } = found;
  expect(heardOf(recordsOf({ ...open, authority: undefined }))).toEqual([open]);
});

test("names of whatever length and spelling fit into DNS", () => {
  for (const node of ["a".repeat(253), "a.b.c.d", "A_b-c"]) {
    const said = recordsOf({ ...found, node });
    for (const { name } of said) {
      const labels = name.replace(service, "").split(".");
      expect(labels.length).toBeLessThanOrEqual(2);
      for (const label of labels) expect(label.length).toBeLessThanOrEqual(63);
    }
    const texts = said.flatMap((one) => (one.type === "TXT" ? one.texts : []));
    for (const one of texts) expect(one.length).toBeLessThanOrEqual(255);
    expect(heardOf(said)).toEqual([{ ...found, node: node.slice(0, 250) }]);
  }
});

test("who takes back what it said is not found any more", () => {
  expect(heardOf(records, recordsOf(found, "gone"))).toEqual([]);
  const other = { ...found, node: "host-b", host: "192.0.2.2" };
  expect(heardOf(records, recordsOf(other), recordsOf(found, "gone"))).toEqual([other]);
});

test.each<readonly [string, readonly DnsRecord[]]>([
  ["a part is missing", records.slice(1)],
  ["its texts are missing", records.filter(({ type }) => type !== "TXT")],
  ["its address is missing", records.filter(({ type }) => type !== "A")],
  ["its address is none", with_("A", { address: "999.0.2.1" })],
  ["its port is none", with_("SRV", { port: 0 })],
  ["its port is too large", with_("SRV", { port: 65_536 })],
  ["it says neither authority nor that it has none", texts()],
  ["its node is a path", texts("ca=a", "node=../../etc")],
  [
    "it has letters for terminals",
    with_("TXT", { texts: ["txtvers=1", "ca=a", "cluster=c", "node=n", "version=\u001b[2J"] }),
  ],
  ["it is of another kind", texts("ca=a", "txtvers=2")],
  ["it is another service", with_("PTR", { name: "_http._tcp.local" })],
])("no cluster is found where %s", (_what, said) => {
  expect(heardOf(said)).toEqual([]);
});

test("what is said without end is not kept without end, and what was there stays", () => {
  const heard = openHeard();
  heard.add(records);
  for (let count = 0; count < 100; count += 1) {
    heard.add(
      Array.from({ length: 100 }, (_, at) => ({
        type: "PTR",
        name: service,
        ttl: 120,
        target: `${count}-${at}.${service}`,
      })),
    );
  }
  expect(heard.found()).toEqual([found]);
});

test("many contradicting ones under one name cost no time", () => {
  const name = records.find(({ type }) => type === "SRV")?.name ?? "";
  const target = `x.local`;
  const many = Array.from({ length: 160 }, (_, at): readonly DnsRecord[] => [
    {
      type: "TXT",
      name,
      ttl: 120,
      texts: ["txtvers=1", `cluster=${at}`, "node=n", "ca=a", "version=1"],
    },
    { type: "SRV", name, ttl: 120, target, port: at + 1 },
    { type: "A", name: target, ttl: 120, address: `192.0.2.${at}` },
  ]);
  const said = [records[0], ...many.flat()].filter((one) => one !== undefined);
  expect(heardOf(said).length).toBeLessThanOrEqual(8);
});

test("who looks for clusters is heard, and nobody else", () => {
  const asks = (name: string, type: string) => isAskedFor([{ name, type }]);
  expect(asks(service, "PTR")).toBe(true);
  expect(asks("_SocketPlane._tcp.local", "ANY")).toBe(true);
  expect(asks(service, "A")).toBe(false);
  expect(asks("_http._tcp.local", "PTR")).toBe(false);
});
