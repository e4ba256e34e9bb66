import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { topologyOf } from "../../../lib/topology/model.ts";
import { survey } from "./survey.ts";

const page = readFileSync(new URL("../../../docs/topology.md", import.meta.url), "utf8");

function keysIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(keysIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]);
}

test("every key of the JSON is on its page", () => {
  const keys = new Set(keysIn(topologyOf(survey)));
  expect(keys.size).toBeGreaterThan(40);
  expect([...keys].filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
});
