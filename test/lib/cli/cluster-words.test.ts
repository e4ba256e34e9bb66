import { describe, expect, test } from "vitest";
import { endpointOf, joinLine, secondsOf, tlsOf, tokenOf } from "../../../lib/cli/cluster-words.ts";
import { Failure } from "../../../lib/errors.ts";
import { formatToken, newToken } from "../../../lib/trust/token.ts";

const kindOf = (act: () => unknown): string => {
  try {
    act();
    return "none";
  } catch (thrown) {
    return thrown instanceof Failure ? thrown.kind : String(thrown);
  }
};

test.each([
  ["192.0.2.1", "192.0.2.1", 9479],
  ["192.0.2.1:80", "192.0.2.1", 80],
  ["2001:db8::1", "2001:db8::1", 9479],
  ["[2001:db8::1]:80", "2001:db8::1", 80],
  ["host-a.example:9480", "host-a.example", 9480],
])("--endpoint %s", (text, host, port) => {
  expect(endpointOf(text)).toEqual({ host, port });
});

test.each(["", ":80", "a:b", "a:0", "a:65536", "https://a", "a b", "[::1"])(
  "--endpoint %j is none",
  (text) => {
    expect(kindOf(() => endpointOf(text))).toBe("usage");
  },
);

test.each([
  ["90s", 90],
  ["90m", 5_400],
  ["24h", 86_400],
  ["7d", 604_800],
])("--valid %s", (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

test.each(["", "0h", "5", "h", "1w", "367d", "-1h"])("--valid %j is none", (text) => {
  expect(kindOf(() => secondsOf(text))).toBe("usage");
});

test("a token is read, and never repeated", () => {
  const token = newToken("a".repeat(52));
  expect(tokenOf(formatToken(token))).toEqual(token);
  expect(tokenOf(undefined)).toBeUndefined();
  try {
    tokenOf("secret.part");
    expect.unreachable();
  } catch (thrown) {
    const { message, details } = thrown as Failure;
    expect(`${message}${details}`).not.toContain("secret.part");
  }
});

describe("the files of an etcd that is there", () => {
  const none = {
    endpoint: ["https://a"],
    insecure: false,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };

  test("are its authority, and a certificate with its key", () => {
    expect(tlsOf(none)).toBeUndefined();
    expect(tlsOf({ ...none, ca: "/ca" })).toEqual({ ca: "/ca" });
    const all = { ca: "/ca", cert: "/cert", key: "/key" };
    expect(tlsOf({ ...none, ...all })).toEqual(all);
  });

  test.each([{ ca: "ca.pem" }, { cert: "/cert" }, { key: "/key" }, { ca: "/ca", endpoint: [] }])(
    "%j is refused",
    (more) => {
      expect(kindOf(() => tlsOf({ ...none, ...more }))).toBe("usage");
    },
  );
});

test("what to type on other machines goes by how the cluster was made", () => {
  expect(joinLine("a.b.c", false)).toBe("socketplane cluster join --token a.b.c");
  expect(joinLine(undefined, true)).toBe("socketplane cluster join --insecure");
  expect(joinLine(undefined, false)).toBeUndefined();
});
