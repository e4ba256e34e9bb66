/** An assignment's file, read as it may be found. */
import { expect, test } from "vitest";
import {
  type Assignment,
  formatAssignment,
  parseAssignment,
} from "../../../lib/ipam/assignment.ts";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import type { Mac } from "../../../lib/net/mac.ts";

const assignment: Assignment = {
  id: { name: "web", containerId: "c1", ifname: "eth0" },
  network: "web",
  block: "10.2.0.0-26@9",
  address: 0x0a020003 as Ip4,
  mac: 0x02420a020003 as Mac,
  ofport: 7,
  workload: { K8S_POD_NAME: "web-0" },
};

test("is read as it was written, without a port and a workload too", () => {
  expect(parseAssignment(formatAssignment(assignment))).toEqual(assignment);
  const plain = { ...assignment, ofport: undefined, workload: {} };
  expect(parseAssignment(formatAssignment(plain))).toEqual(plain);
});

test("is none that lacks a part, or has one of another kind", () => {
  const json = JSON.parse(formatAssignment(assignment));
  const needed = Object.keys(json).filter((key) => key !== "ofport" && key !== "workload");
  for (const key of needed) {
    for (const value of [undefined, 7, [], { toString: 1 }]) {
      expect(parseAssignment(JSON.stringify({ ...json, [key]: value })), key).toBeUndefined();
    }
  }
  for (const workload of [7, "x", [], { K8S_POD_NAME: 1 }, { a: "b", c: null }]) {
    expect(parseAssignment(JSON.stringify({ ...json, workload }))).toBeUndefined();
  }
});
