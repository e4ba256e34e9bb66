import { expect, test } from "vitest";
import { isListFile, readLists } from "../../../lib/doctor/lists.ts";
import { list } from "./healthy.ts";

const read = (text: string | undefined, name = "10-web.conflist") => readLists([{ name, text }])[0];

test("runtimes take them in the order of their names", () => {
  const names = ["20-a.conflist", "05-b.conf", "10-c.json"];
  const lists = readLists(names.map((name) => ({ name, text: "{}" })));
  expect(lists.map(({ file }) => file)).toEqual(["05-b.conf", "10-c.json", "20-a.conflist"]);
  expect(["a.conflist", "a.conf", "a.json", "a.conflist.bak", "a"].map(isListFile)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("a list of ours: its plugins and networks", () => {
  const text = list({ type: "socketplane", network: "shop", ipam: { type: "host-local" } });
  expect(read(text)).toMatchObject({
    isOurs: true,
    types: ["socketplane", "host-local"],
    networks: [{ name: "shop", isMade: false }],
    faults: [],
  });
});

test("our addresses under another plugin, and a plain configuration", () => {
  const ipam = { type: "socketplane-ipam", subnet: "10.2.0.0/16" };
  const text = JSON.stringify({ cniVersion: "1.0.0", name: "web", type: "bridge", ipam });
  expect(read(text, "10-web.conf")).toMatchObject({
    isOurs: true,
    types: ["bridge", "socketplane-ipam"],
    networks: [{ name: "web", isMade: true }],
    faults: [],
  });
});

test.each([
  ['{\n  "name" "web"\n}', "it is not JSON: line 2, column 10: ':' is expected"],
  ["[]", "it is no object, but []"],
  [undefined, "it can't be read"],
  ['{ "name": "web" }', 'it has no "plugins"'],
  ['{ "name": "web", "plugins": [] }', '"plugins" is empty'],
  [list({ type: "socketplane" }, "a b"), `"name" can't be "a b"`],
  [list({ type: "socketplain" }), 'type "socketplain" is no plugin: "socketplane" is meant'],
  [list({ subnet: "10.2.0.0/16" }), 'a plugin has no "type"'],
  [
    '{ "cniVersion": "9.9", "name": "web", "plugins": [{ "type": "socketplane" }] }',
    '"cniVersion" is "9.9": there are 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0',
  ],
])("%s", (text, fault) => {
  expect(read(text)?.faults).toEqual([fault]);
});

test("other plugins' lists are not ours, whatever their names are near to", () => {
  for (const type of ["bridge", "calico", "flannel", "socket"]) {
    expect(read(list({ type }))).toMatchObject({ isOurs: false, faults: [] });
  }
});
