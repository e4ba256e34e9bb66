import { expect, test } from "vitest";
import { nameFault, stemOf } from "../../../lib/run/name.ts";

test.each(["web", "web-1", "A_b", "1", "x".repeat(63)])("%s is a name", (name) => {
  expect(nameFault(name)).toBeUndefined();
});

test.each(["", "-web", "_web", ".", "a.log", "a/b", "a b", "ä", "a\n", "x".repeat(64)])(
  "%j is none",
  (name) => {
    expect(nameFault(name)).toMatch(/^it (must begin with|has more than)/);
  },
);

test.each([
  ["bash", "bash"],
  ["/usr/sbin/nginx", "nginx"],
  ["./my server.sh", "my-server-sh"],
  ["python3.12", "python3-12"],
  ["--", "run"],
  ["/", "run"],
  ["日本", "run"],
  ["_x_", "x_"],
  [`${"a".repeat(31)}.${"b".repeat(40)}`, "a".repeat(31)],
])("%j is called %s and a number", (command, stem) => {
  expect(stemOf(command)).toBe(stem);
  expect(nameFault(`${stem}-12345`)).toBeUndefined();
});
