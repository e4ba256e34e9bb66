import { describe, expect, test } from "vitest";
import { environmentOf, type RunArgs, wishOf } from "../../../lib/cli/run-wish.ts";
import { Failure } from "../../../lib/errors.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseMac } from "../../../lib/net/mac.ts";

const plain: RunArgs = {
  command: ["true"],
  network: [],
  name: undefined,
  ip: [],
  mac: [],
  detach: false,
  interactive: false,
  rm: false,
};

const faultOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (fault) {
    return fault instanceof Failure ? `${fault.kind}: ${fault.details ?? fault.message}` : fault;
  }
};

describe("a wish", () => {
  test("is for network default, in the foreground", () => {
    expect(wishOf(plain, {})).toEqual({
      name: undefined,
      argv: ["true"],
      env: {},
      networks: [{ network: "default", address: undefined, mac: undefined }],
      detached: false,
      stdin: "empty",
      kept: false,
    });
  });

  test("gives each network what is asked for in its place", () => {
    const asked = { network: ["web", "db"], ip: ["10.2.0.9"], mac: ["02:00:00:00:00:01"] };
    expect(wishOf({ ...plain, ...asked }, {}).networks).toEqual([
      { network: "web", address: parseIp4("10.2.0.9"), mac: parseMac("02:00:00:00:00:01") },
      { network: "db", address: undefined, mac: undefined },
    ]);
  });

  test.each([
    [{ detach: true }, { detached: true, kept: true, stdin: "empty" }],
    [
      { detach: true, rm: true, interactive: true },
      { kept: false, stdin: "kept open" },
    ],
    [{ rm: true }, { detached: false, kept: false }],
  ])("%j is kept as it says", (asked, wish) => {
    expect(wishOf({ ...plain, ...asked }, {})).toMatchObject(wish);
  });

  test("names all that is wrong at once", () => {
    const wrong = { name: "a b", network: ["web", "no/net", "web"], ip: ["10.2"], mac: ["x"] };
    const ips = ["1.2.3.4", "1.2.3.5", "1.2.3.6", "fd00::1"];
    expect(faultOf(() => wishOf({ ...plain, ...wrong }, {}))).toBe(
      [
        "usage: --name \"a b\": it must begin with a letter or digit, and hold only letters, digits, '_' and '-'",
        '--network must be a network\'s name, not "no/net"',
        "--network web is given twice",
        '--ip must be an IPv4 address, from which IPv6\'s follows, not "10.2"',
        '--mac must be a MAC, not "x"',
      ].join("\n"),
    );
    expect(faultOf(() => wishOf({ ...plain, network: ["a", "b", "c"], ip: ips }, {}))).toBe(
      [
        "usage: --ip is given 4 times, for 3 interfaces",
        '--ip must be an IPv4 address, from which IPv6\'s follows, not "fd00::1"',
      ].join("\n"),
    );
  });
});

describe("the environment", () => {
  test("is ours, with what is set", () => {
    expect(environmentOf({ HOME: "/", A: "own" }, ["A=1", "B=x=y", "C=", "HOME"])).toEqual({
      HOME: "/",
      A: "1",
      B: "x=y",
      C: "",
    });
  });

  test("of what has no name is refused", () => {
    expect(faultOf(() => environmentOf({}, ["=x"]))).toBe(
      'usage: Cannot set "=x" in the environment: it has no name',
    );
  });
});
