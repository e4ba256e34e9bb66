import { expect, test } from "vitest";
import { openHealth } from "../../../lib/agent/health.ts";
import { openMetrics } from "../../../lib/agent/metrics.ts";

test("it is well when nothing is wrong, and says what is", () => {
  const health = openHealth(openMetrics());
  const ask = () => health.answer("/healthz");
  expect(ask()).toMatchObject({ status: 503 });
  for (const what of ["store", "cluster", "switch"] as const) {
    expect(health.report(what, undefined)).toBe(true);
  }
  expect(ask()).toEqual({ status: 200, type: "application/json", body: '{"status":"ok"}\n' });
  expect(health.report("store", "it is away")).toBe(true);
  expect(health.report("store", "it is away")).toBe(false);
  expect(health.isWell("store")).toBe(false);
  expect(ask()).toMatchObject({ status: 503, body: '{"status":"not ok","store":"it is away"}\n' });
  expect(health.answer("/")).toMatchObject({ status: 404 });
  health.report("store", undefined);
  // What people should know, and is no reason to end it.
  expect(health.remark("joining", "the port is taken")).toBe(true);
  expect(ask()).toMatchObject({
    status: 200,
    body: '{"status":"ok","joining":"the port is taken"}\n',
  });
  expect(health.remark("joining", undefined)).toBe(true);
  expect(ask().body).toBe('{"status":"ok"}\n');
});

test("metrics are in Prometheus' text format, labels escaped", () => {
  const metrics = openMetrics();
  metrics.set("socketplane_flows", 1);
  metrics.set("socketplane_flows", 42);
  metrics.count("socketplane_failures_total", { what: 'a "\\\n' });
  metrics.count("socketplane_failures_total", { what: 'a "\\\n' }, 2);
  metrics.count("socketplane_failures_total", { what: "b" });
  const health = openHealth(metrics);
  expect(health.answer("/metrics")).toMatchObject({
    status: 200,
    type: "text/plain; version=0.0.4",
  });
  const lines = health.answer("/metrics").body.split("\n");
  expect(lines).toEqual([
    "# HELP socketplane_flows Flows of ours in the switch.",
    "# TYPE socketplane_flows gauge",
    "socketplane_flows 42",
    expect.stringMatching(/^# HELP socketplane_failures_total /),
    "# TYPE socketplane_failures_total counter",
    'socketplane_failures_total{what="a \\"\\\\\\n"} 3',
    'socketplane_failures_total{what="b"} 1',
    "",
  ]);
});
