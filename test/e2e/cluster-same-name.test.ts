/** Two machines that join under one name at once: one is in, and loses nothing by the other. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { startBare } from "../lab/bare.ts";
import { type Lab, openLab } from "../lab/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = openLab();
});
afterEach(() => lab.close());

test("of two with one name, one is told so, and leaves the other's as it is", {
  timeout: 180_000,
}, async () => {
  const { machines } = await startBare(lab, 3);
  const [a, b, c] = machines;
  if (a === undefined || b === undefined || c === undefined) throw new Error("no three");
  const { join } = await a.must("socketplane cluster init");
  const { join: second } = await a.must("socketplane cluster token create");
  const outcomes = await Promise.all([
    b.type(`${join} --name same`),
    c.type(`${second} --name same`),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 1]);
  const [refused] = outcomes.filter(({ status }) => status === 1);
  expect(refused?.stderr).toMatch(/another machine has (the|that) name.*--name/s);
  expect(await a.must("socketplane node list")).toMatchObject([
    { node: "host-a" },
    { node: "same" },
  ]);
  const winner = outcomes[0]?.status === 0 ? b : c;
  expect(await winner.must("socketplane cluster status")).toMatchObject({ node: "same" });
});
