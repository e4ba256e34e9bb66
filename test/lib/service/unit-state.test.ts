import { expect, test } from "vitest";
import { parseUnit } from "../../../lib/service/unit-state.ts";

const answer = (properties: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries({
    LoadState: "loaded",
    ActiveState: "active",
    MainPID: "42",
    Result: "success",
    ExecMainCode: "0",
    ExecMainStatus: "0",
    UnitFileState: "enabled",
    ...properties,
  }).map(([name, value]) => `${name}=${value}`);

const parse = (properties: Readonly<Record<string, string>>) =>
  parseUnit("agent", answer(properties), (pid) => pid * 1_000);

const running = {
  service: "agent",
  state: "running",
  pid: 42,
  since: 42_000,
  reason: undefined,
  enabled: true,
};
const ended = { ...running, pid: undefined, since: undefined };

test.each([
  [{}, running],
  [{ ActiveState: "reloading" }, running],
  [{ UnitFileState: "disabled" }, { ...running, enabled: false }],
  [{ UnitFileState: "enabled-runtime" }, running],
  [
    {
      ActiveState: "activating",
      MainPID: "0",
      Result: "exit-code",
      ExecMainCode: "1",
      ExecMainStatus: "7",
    },
    { ...ended, state: "starting", reason: "exit-code: exit status 7" },
  ],
  [
    { ActiveState: "inactive", MainPID: "0" },
    { ...ended, state: "stopped" },
  ],
  [
    {
      ActiveState: "failed",
      MainPID: "0",
      Result: "signal",
      ExecMainCode: "2",
      ExecMainStatus: "9",
    },
    { ...ended, state: "failed", reason: "signal: signal 9" },
  ],
  [
    { ActiveState: "failed", MainPID: "0", Result: "start-limit-hit" },
    { ...ended, state: "failed", reason: "start-limit-hit" },
  ],
  [
    { LoadState: "not-found", ActiveState: "inactive", MainPID: "0", UnitFileState: "" },
    {
      ...ended,
      state: "absent",
      enabled: false,
      reason: "systemd has no unit socketplane-agent.service",
    },
  ],
])("%j", (properties, status) => {
  expect(parse(properties)).toEqual(status);
});

test("an answer without anything is no unit that runs", () => {
  expect(parseUnit("etcd", [], () => 0)).toMatchObject({ state: "stopped", pid: undefined });
});
