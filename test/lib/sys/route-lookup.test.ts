/** The kernel's own lookup, in a namespace; ip-route(8) says what it has. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { inside, openNetns } from "../../../lib/sys/netns.ts";
import {
  lookUpRoute,
  type RouteAddress,
  type RouteQuestion,
} from "../../../lib/sys/route-lookup.ts";
import { writeSysctl } from "../../../lib/sys/sysctl.ts";
import { type Namespace, type Namespaces, openNamespaces } from "./namespaces.ts";

const ffi = openFfi();
let namespaces: Namespaces;
let host: Namespace;

beforeEach(() => {
  namespaces = openNamespaces();
  host = namespaces.make("host");
  for (const [link, ...addresses] of [
    ["eth0", "203.0.113.1/24", "2001:db8:9::1/64"],
    ["sp-web", "10.2.0.2/16", "fd00:2::a02:2/64"],
  ]) {
    host.ip("link", "add", `${link}`, "type", "bridge");
    for (const one of addresses) {
      // Without duplicate address detection: the address is usable at once.
      const at = one.includes(":") ? ["nodad"] : [];
      host.ip("address", "add", one, "dev", `${link}`, ...at);
    }
    host.ip("link", "set", `${link}`, "up");
  }
  host.ip("route", "add", "default", "via", "203.0.113.9");
  host.ip("route", "add", "default", "via", "2001:db8:9::9");
  host.ip("route", "add", "blackhole", "198.51.100.0/24");
});
afterEach(() => namespaces.cleanup.run());

function address(text: string): RouteAddress {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined) return { family: 4, address: ip4 };
  const ip6 = parseIp6(text);
  if (ip6 === undefined) throw new Error(text);
  return { family: 6, address: ip6 };
}

function within<T>(act: () => T): T {
  const netns = openNetns(ffi, host.path);
  if (netns === undefined) throw new Error("no namespace");
  try {
    return inside(ffi, netns, act);
  } finally {
    ffi.call("close", netns.fd);
  }
}
const ask = (question: RouteQuestion) => within(() => lookUpRoute(ffi, question));
const indexOf = (link: string) => host.show("link", "show", "dev", link)[0]?.ifindex as number;
const forward = (value: "0" | "1") => within(() => writeSysctl(ffi, "net/ipv4/ip_forward", value));

test.each([
  ["198.18.0.7", "203.0.113.9", "203.0.113.1"],
  ["2001:db8:1::7", "2001:db8:9::9", "2001:db8:9::1"],
])("what the host itself sends to %s", (to, via, source) => {
  expect(ask({ to: address(to) })).toEqual({
    route: "unicast",
    index: indexOf("eth0"),
    via: address(via),
    source: address(source),
  });
});

test("what is on a link goes by no gateway, and its own addresses are local", () => {
  expect(ask({ to: address("10.2.0.9") })).toMatchObject({
    route: "unicast",
    index: indexOf("sp-web"),
    via: undefined,
    source: address("10.2.0.2"),
  });
  for (const own of ["10.2.0.2", "203.0.113.1", "fd00:2::a02:2"]) {
    expect(ask({ to: address(own) })).toMatchObject({ route: "local" });
  }
});

test("what comes in by a link is forwarded, or taken, or neither", () => {
  const comesBy = indexOf("sp-web");
  const from = address("10.2.0.9");
  const to = address("198.18.0.7");
  forward("1");
  expect(ask({ to, from, comesBy })).toMatchObject({ route: "unicast", index: indexOf("eth0") });
  expect(ask({ to: address("10.2.0.2"), from, comesBy })).toMatchObject({ route: "local" });
  forward("0");
  expect(ask({ to, from, comesBy })).toEqual({
    route: "none",
    why: "it has no route there, or does not forward what comes by that link",
  });
});

test("a route that refuses is none", () => {
  expect(ask({ to: address("198.51.100.7") })).toMatchObject({ route: "none" });
  host.ip("route", "del", "default");
  expect(ask({ to: address("198.18.0.7") })).toEqual({
    route: "none",
    why: "it has no route there",
  });
});
