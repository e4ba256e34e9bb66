import { describe, expect, test } from "vitest";
import { dueVteps } from "../../../lib/agent/neighbours.ts";
import { formatVtep, parseVtep } from "../../../lib/ipam/nodes.ts";
import { hexOfVtep, type VtepAddress } from "../../../lib/store/keys.ts";

describe("of the VTEPs that are probed", () => {
  const vteps = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(
    (text) => parseVtep(text) as VtepAddress,
  );
  const probed = new Map(vteps.slice(0, 2).map((vtep, at) => [hexOfVtep(vtep), 2 - at]));
  const due = (which: "new" | "all", keeps: number) =>
    dueVteps(vteps, probed, which, keeps).map(formatVtep);

  test("a change asks for the new ones only", () => {
    expect(due("new", 1_024)).toEqual(["192.0.2.3"]);
  });

  test("each has its turn, who waited longest first", () => {
    expect(due("all", 1_024)).toEqual(["192.0.2.3", "192.0.2.2", "192.0.2.1"]);
  });

  test("the kernel's table is never more than half full of them", () => {
    expect(due("all", 4)).toEqual(["192.0.2.3", "192.0.2.2"]);
  });
});
