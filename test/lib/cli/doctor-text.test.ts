import { expect, test } from "vitest";
import { summaryOf, textOf } from "../../../lib/cli/doctor-text.ts";
import type { Finding } from "../../../lib/doctor/check.ts";

const because = {
  state: "unknown",
  seen: "Open vSwitch is down",
  because: "switch.database",
} as const;

const findings: readonly Finding[] = [
  { id: "machine.rights", area: "machine", state: "ok", seen: "root" },
  {
    id: "switch.database",
    area: "switch",
    state: "broken",
    seen: "nobody listens there",
    todo: "systemctl start openvswitch-switch\nOr say where it is",
  },
  { id: "switch.bridge", area: "switch", ...because },
  { id: "switch.openflow", area: "switch", ...because },
  { id: "agent.health", area: "agent", state: "warning", subject: "store", seen: "away" },
  { id: "containers.flows", area: "containers", ...because },
];

const plain = { colors: false, unicode: true };

test("a line each, by area, what follows from one fault together", () => {
  expect(textOf(findings, "all", plain)).toBe(`Machine
  ✓ rights    root

Open vSwitch
  ✗ database  nobody listens there
      → systemctl start openvswitch-switch
      → Or say where it is
  ? bridge, openflow  Open vSwitch is down

Agent
  ! health    store: away

Containers
  ? flows     Open vSwitch is down

1 broken, 1 warning, 3 unknown, 1 ok. Begin with switch.database: systemctl start openvswitch-switch
`);
});

test("in short, only what is not ok; painted, only on a terminal", () => {
  expect(textOf(findings, "not ok", plain)).not.toContain("Machine");
  expect(textOf(findings, "all", plain)).not.toContain("\u001b");
  expect(textOf(findings, "all", { ...plain, colors: true })).toContain(
    "\u001b[31m✗\u001b[0m database",
  );
});

test("in ASCII, where the locale has no more", () => {
  const text = textOf(findings, "all", { colors: false, unicode: false });
  expect(text).toMatch(/^ {2}x database {2}nobody listens there\n {6}-> systemctl start/m);
  expect(text).toMatch(/^[\n -~]*$/);
});

test("the end says that all is well, or where to begin", () => {
  expect(summaryOf(findings.slice(0, 1))).toBe("All is well: 1 finding.");
  expect(summaryOf(findings.slice(4, 5))).toBe("1 warning.");
  const prose = { ...(findings[1] as Finding), todo: "Let it pass\nnft insert rule" };
  expect(summaryOf([prose])).toBe("1 broken. Begin with switch.database.");
});

test("what others have written commands no terminal, and makes no lines", () => {
  const name = "db\u001b[2J\u009b";
  const [told] = findings.slice(1, 2).map((one) => ({ ...one, subject: name, seen: "a\nb\u0007" }));
  const shown = [{ ...told, todo: `ping ${name}\nor not` }] as readonly Finding[];
  expect(textOf(shown, "all", plain)).toBe(`Open vSwitch
  ✗ database  db?[2J?: a?b?
      → ping db?[2J?
      → or not

1 broken. Begin with switch.database: ping db?[2J?
`);
});
