/** Containers that come and go while doctor looks. */
import { describe, expect, test } from "vitest";
import type { Finding } from "../../../lib/doctor/check.ts";
import { checks } from "../../../lib/doctor/checks.ts";
import type { NodeFacts } from "../../../lib/doctor/facts.ts";
import { judge } from "../../../lib/doctor/judge.ts";
import { areContainersBlamed, type ContainerLook, settled } from "../../../lib/doctor/settled.ts";
import { valueOr } from "../../../lib/survey/known.ts";
import { attachmentPort, healthy, know, link, must } from "./healthy.ts";

const { node } = healthy;
const well: ContainerLook = {
  here: must(valueOr(node.survey.here, undefined)),
  switch: must(valueOr(node.survey.switch, undefined)),
  links: node.links,
};
const nobody: ContainerLook["here"] = { ...well.here, assignments: [] };
const begun = { ...well.here.assignments[0], isHeld: false } as (typeof well.here.assignments)[0];

const seeing = ({ here, switch: found, links }: ContainerLook): NodeFacts => ({
  ...node,
  survey: { ...node.survey, here: know(here), switch: know(found) },
  links,
});
const judged = (of: NodeFacts) => judge(checks, { ...healthy, node: of });
const faultsOf = (findings: readonly Finding[]) =>
  findings.filter(({ state }) => state !== "ok").map(({ id, subject }) => `${id} ${subject}`);

const underWay: Readonly<Record<string, ContainerLook>> = {
  "plugged in, and not yet written down": { ...well, here: nobody },
  "written down, and not yet plugged in": { ...well, switch: { ...well.switch, ports: [] } },
  "not yet its own": { ...well, here: { ...well.here, assignments: [begun] } },
};

describe.each(Object.entries(underWay))("%s", (_, look) => {
  const first = seeing(look);

  test("is a fault where it stays so", () => {
    expect(areContainersBlamed(judged(first))).toBe(true);
    expect(faultsOf(judged(settled(first, look)))).toEqual(faultsOf(judged(first)));
  });

  test("is none where it is under way, or was when it was looked at last", () => {
    expect(faultsOf(judged(settled(first, well)))).toEqual([]);
    expect(faultsOf(judged(settled(seeing(well), look)))).toEqual([]);
  });

  test("is none of another container by the same name", () => {
    const anew = { ...look, links: new Map([["spvc1", link("spvc1", { index: 9 })]]) };
    expect(faultsOf(judged(settled(first, anew)))).toEqual([]);
  });
});

test("one that goes hides no fault of another", () => {
  const other = attachmentPort("c2", "spvc2");
  const first = seeing({ ...well, switch: { ...well.switch, ports: [other] } });
  const again = { ...well, switch: { ...well.switch, ports: [...well.switch.ports, other] } };
  expect(faultsOf(judged(settled(first, again)))).toEqual(['containers.ports port "spvc2"']);
});

test("one with an IPv6 address, too", () => {
  const port = attachmentPort("c2", "spvc2");
  const other = { ...port, row: { ...must(port.row), address6: 5n } } as typeof port;
  const look = { ...well, switch: { ...well.switch, ports: [...well.switch.ports, other] } };
  const found = settled(seeing(look), look);
  expect(faultsOf(judged(found))).toEqual(['containers.ports port "spvc2"']);
});

test("all well is asked once", () => {
  expect(areContainersBlamed(judged(node))).toBe(false);
});
