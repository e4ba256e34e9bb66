import { describe, expect, test } from "vitest";
import type { Found } from "../../../lib/cluster/find.ts";
import { chooseWays } from "../../../lib/cluster/ways-in.ts";
import type { Failure } from "../../../lib/errors.ts";
import { newToken } from "../../../lib/trust/token.ts";

const found = (node: string, more: Partial<Found> = {}): Found => ({
  ...{ cluster: "one", node, host: "192.0.2.1", port: 9479, version: "0.1.0" },
  authority: "a".repeat(52),
  ...more,
});
const open = { authority: undefined };
const token = newToken("a".repeat(52));
const asked = { token: undefined, insecure: false, link: "eth0" };
const failureOf = (act: () => unknown): Failure => {
  try {
    act();
  } catch (thrown) {
    return thrown as Failure;
  }
  throw new Error("nothing was refused");
};

test("with a token, all of its authority's are asked", () => {
  const all = [found("a"), found("b", { host: "192.0.2.2" })];
  expect(chooseWays(all, { ...asked, token })).toEqual(all);
  // Under however many names.
  const same = Array.from({ length: 100 }, (_, at) => found(`node-${at}`));
  expect(chooseWays(same, { ...asked, token })).toHaveLength(1);
});

test("without one, the only cluster that takes none is, where that was asked for", () => {
  const ways = [found("a", open), found("b", { ...open, host: "192.0.2.2" })];
  const all = [found("c", { cluster: "two" }), ...ways];
  expect(chooseWays(all, { ...asked, insecure: true })).toEqual(ways);
  const failure = failureOf(() => chooseWays(all, asked));
  expect(failure.message).toMatch(/takes a token/);
  expect(failure.details).toMatch(/node "c".*\n.*token create\n.*--insecure/);
});

describe("it is said why not, and what to do", () => {
  test.each([
    [
      "nothing found",
      [],
      "try-again",
      /: none was found on interface "eth0"/,
      /--endpoint ADDRESS/,
    ],
    ["a token is missing", [found("a")], "usage", /takes a token/, /node "a" at 192\.0\.2\.1/],
    [
      "several without TLS",
      [found("a", open), found("b", { ...open, cluster: "two" })],
      "usage",
      /several/,
      /node "a" .*, node "b" /,
    ],
  ] as const)("%s", (_what, all, kind, message, details) => {
    const failure = failureOf(() => chooseWays(all, { ...asked, insecure: true }));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toMatch(message);
    expect(failure.details).toMatch(details);
  });

  test("not the token's", () => {
    expect(failureOf(() => chooseWays([], { ...asked, token })).message).toMatch(
      /not the token's was/,
    );
  });
});
