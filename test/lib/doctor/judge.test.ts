import { expect, test } from "vitest";
import { broken, type Check, ok, unknown, type Verdict } from "../../../lib/doctor/check.ts";
import { checks } from "../../../lib/doctor/checks.ts";
import type { Facts } from "../../../lib/doctor/facts.ts";
import { judge, worstOf } from "../../../lib/doctor/judge.ts";

const nothing = {} as Facts;

const check = (id: Check["id"], found: Verdict, more: Partial<Check> = {}): Check => ({
  id,
  asks: "",
  remedy: "",
  judge: () => [found],
  ...more,
});

test("what needs a check that is broken is unknown, and names the first cause", () => {
  const down = broken({ seen: "nobody listens", todo: "start it" });
  const list = [
    check("switch.database", down, { without: "Open vSwitch is down" }),
    check("switch.bridge", ok("there"), { needs: ["switch.database"], without: "no bridge" }),
    check("containers.flows", ok("there"), { needs: ["switch.bridge"] }),
    check("store.reachable", ok("well")),
  ];
  const because = { state: "unknown", seen: "Open vSwitch is down", because: "switch.database" };
  expect(judge(list, nothing)).toEqual([
    { id: "switch.database", area: "switch", ...down },
    { id: "switch.bridge", area: "switch", ...because },
    { id: "containers.flows", area: "containers", ...because },
    { id: "store.reachable", area: "store", ...ok("well") },
  ]);
});

test("what could not be told stands in the way, too; a warning does not", () => {
  const list = [
    check("store.reachable", unknown("not root")),
    check("node.registered", ok("itself"), { needs: ["store.reachable"] }),
    check("machine.rights", { state: "warning", seen: "user 5" }),
    check("files.nodeJson", ok("read"), { needs: ["machine.rights"] }),
  ];
  expect(judge(list, nothing).map(({ state }) => state)).toEqual([
    "unknown",
    "unknown",
    "warning",
    "ok",
  ]);
});

test("what it comes of counts where that is broken, and not where it can't be told", () => {
  const last = check("peers.tunnel", ok("reached"), { comesOf: ["node.peers"] });
  const given = (found: Verdict) =>
    judge([check("node.peers", found, { without: "leases are not known" }), last], nothing)[1];
  expect(given(unknown("etcd is away"))).toMatchObject({ state: "ok" });
  expect(given(broken({ seen: "one is not known", todo: "start it" }))).toMatchObject({
    state: "unknown",
    seen: "leases are not known",
    because: "node.peers",
  });
});

test("the worst state is all findings'; what is unknown counts as a warning", () => {
  const of = (...states: Verdict["state"][]) => worstOf(states.map((state) => ({ state })));
  expect([of(), of("ok"), of("ok", "unknown"), of("warning"), of("unknown", "broken")]).toEqual([
    "ok",
    "ok",
    "warning",
    "warning",
    "broken",
  ]);
});

test("each check has a name of its own, and needs those before it only", () => {
  const ids: string[] = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const late = checks.filter(({ needs = [], comesOf = [] }, at) =>
    [...needs, ...comesOf].some((id) => !ids.slice(0, at).includes(id)),
  );
  expect(late.map(({ id }) => id)).toEqual([]);
});
