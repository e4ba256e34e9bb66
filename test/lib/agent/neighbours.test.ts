import { describe, expect, test } from "vitest";
import { dueVteps } from "../../../lib/agent/neighbours.ts";
import { formatVtep, parseVtep } from "../../../lib/ipam/nodes.ts";
import { hexOfVtep, type VtepAddress } from "../../../lib/store/keys.ts";

describe("of the VTEPs that are probed", () => {
  const vteps = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(
    (text) => parseVtep(text) as VtepAddress,
  );
  const probed = new Map(vteps.slice(0, 2).map((vtep, at) => [hexOfVtep(vtep), 2 - at]));
  const due = (which: "new" | "all", most: number) =>
    dueVteps(vteps, probed, which, most).map(formatVtep);

  test("a change asks for the new ones only", () => {
    expect(due("new", 512)).toEqual(["192.0.2.3"]);
  });

  test("each has its turn, who waited longest first", () => {
    expect(due("all", 512)).toEqual(["192.0.2.3", "192.0.2.2", "192.0.2.1"]);
  });

  test("there are no more than may be at once", () => {
    expect(due("all", 2)).toEqual(["192.0.2.3", "192.0.2.2"]);
  });
});
