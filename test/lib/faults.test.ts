import { describe, expect, test } from "vitest";
import { Failure } from "../../lib/errors.ts";
import { collectFaults, nearest } from "../../lib/faults.ts";
import { isObject } from "../../lib/json.ts";
import { parseIp4 } from "../../lib/net/ip4.ts";

test("what is right is read, and nothing is at fault", () => {
  const faults = collectFaults();
  const root = faults.object(
    {
      name: "web",
      on: false,
      mtu: 1450,
      type: "file",
      list: [1],
      ip: "10.2.0.1",
      inner: { a: "b" },
    },
    "",
    ["name", "on", "mtu", "type", "list", "ip", "inner"],
  );
  expect(root.ok).toBe(true);
  expect(root.text("name")).toBe("web");
  expect(root.flag("on")).toBe(false);
  expect(root.integer("mtu", 576, 9216)).toBe(1450);
  expect(root.oneOf("type", ["file", "etcd"])).toBe("file");
  expect(root.list("list")).toEqual([1]);
  expect(root.parsed("ip", "an IPv4 address", parseIp4)).toBe(0x0a020001);
  expect(root.inner("inner", ["a"])?.text("a")).toBe("b");
  expect(root.raw("list")).toEqual([1]);
  expect(faults.any()).toBe(false);
  faults.settle("invalid-config", "Cannot go on");
});

test("an absent key, or null, is no fault: it reads as undefined", () => {
  const faults = collectFaults();
  const root = faults.object({ nothing: null }, "");
  const { text, flag, list, inner } = root;
  for (const key of ["nothing", "absent"]) {
    expect([text(key), flag(key), list(key), inner(key)]).toEqual(new Array(4).fill(undefined));
    expect(root.has(key)).toBe(false);
  }
  expect(faults.list()).toEqual([]);
});

test("all faults are reported together, each with its place and what was there", () => {
  const faults = collectFaults();
  const root = faults.object(
    { name: 7, mtu: 12.5, type: "fil", ip: "10.2.0", ipam: { rangs: [] } },
    "",
  );
  root.text("name");
  root.integer("mtu", 576, 9216);
  root.oneOf("type", ["file", "etcd"]);
  root.parsed("ip", "an IPv4 address", parseIp4);
  root.inner("ipam", ["ranges", "routes"]);
  faults.add("and it is late");
  expect(faults.list()).toEqual([
    '"name" must be a text, not 7',
    '"mtu" must be a whole number from 576 to 9216, not 12.5',
    '"type" must be one of "file", "etcd", not "fil"',
    '"ip" must be an IPv4 address, not "10.2.0"',
    '"ipam.rangs" is not a known key: did you mean "ranges"?',
    "and it is late",
  ]);
  const settle = () => faults.settle("invalid-config", "Cannot use this");
  expect(settle).toThrow(Failure);
  expect(settle).toThrow(/^Cannot use this: "name" must be a text, not 7; "mtu" must be/);
});

test.each([
  [5, 6, 9],
  [10, 6, 9],
  ["6", 6, 9],
])("%j is no whole number from %i to %i", (value, min, max) => {
  const faults = collectFaults();
  expect(faults.object({ n: value }, "").integer("n", min, max)).toBeUndefined();
  expect(faults.list()).toHaveLength(1);
});

test.each([[[]], ["text"], [null], [7], [undefined]])(
  "%j is no object, and reads as one without keys",
  (value) => {
    const faults = collectFaults();
    const root = faults.object(value, "conf", ["name"]);
    expect(root.ok).toBe(false);
    expect(root.text("name")).toBeUndefined();
    expect(faults.list()).toEqual(['"conf" is not an object']);
    expect(isObject(value)).toBe(false);
  },
);

test("a key that is near none is told which there are", () => {
  const faults = collectFaults();
  faults.object({ colour: "red" }, "conf", ["name", "type"]);
  expect(faults.list()).toEqual(['"conf.colour" is not a known key: known are "name", "type"']);
});

test("a long value is shown by its beginning", () => {
  const faults = collectFaults();
  faults.object({ name: ["x".repeat(10_000)] }, "").text("name");
  expect(faults.list()[0]).toHaveLength('"name" must be a text, not '.length + 60);
});

describe("the nearest key", () => {
  const keys = ["subnet", "subnet6", "gateway", "ipam"];
  test.each([
    ["subent", "subnet"],
    ["Subnet", "subnet"],
    ["gatway", "gateway"],
    ["ipan", "ipam"],
    ["iapm", "ipam"],
    ["ipma", "ipam"],
    ["colour", undefined],
    ["", undefined],
  ])("of %j is %j", (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });
});
