import { describe, expect, test } from "vitest";
import { underlayMtu, vtepOf } from "../../../lib/attach/underlay.ts";
import { formatVtep } from "../../../lib/ipam/nodes.ts";
import { parseCidr4, parseCidr6 } from "../../../lib/net/prefix.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import type { Kernel, Link, LinkAddress, Links, Route } from "../../../lib/sys/kernel.ts";
import { failureOf } from "../ovs/recorded.ts";

const etcd = { type: "etcd", endpoints: ["http://192.0.2.250:2379"] };

const addressOf = (text: string): LinkAddress => {
  const ip4 = parseCidr4(text);
  const ip6 = parseCidr6(text);
  if (ip4 !== undefined) return { family: 4, ...ip4 };
  if (ip6 !== undefined) return { family: 6, ...ip6 };
  throw new Error(`Cannot parse ${text}`);
};

/** A machine with these links, each with its addresses, and a default route by one of them. */
function machine(
  addresses: Readonly<Record<string, readonly string[]>>,
  json: object,
  options: { readonly defaultBy?: string; readonly mtu?: number } = {},
) {
  const names = Object.keys(addresses);
  const list = names.map((name, at) => ({ name, index: at + 1, mtu: options.mtu ?? 1500 }) as Link);
  const index = names.indexOf(options.defaultBy ?? "") + 1;
  const routes: readonly Route[] = index > 0 ? [{ family: 4, index }] : [];
  const links: Partial<Links> = {
    get: (name) => list.find((one) => one.name === name),
    list: () => list,
    addresses: (at) => (addresses[names[at - 1] ?? ""] ?? []).map(addressOf),
    routes: () => routes,
  };
  return {
    kernel: {} as Kernel,
    links: () => links as Links,
    config: parseNodeConfig(JSON.stringify({ store: etcd, ...json }), "node.json"),
  };
}

const two = { lo: ["127.0.0.1/8", "::1/128"], eth0: ["192.0.2.1/24"], eth1: ["198.51.100.1/24"] };
const found = (host: Parameters<typeof vtepOf>[0]) => formatVtep(vtepOf(host));

describe("the VTEP is", () => {
  test("the default route's link's address, where nothing is configured", () => {
    expect(found(machine(two, {}, { defaultBy: "eth1" }))).toBe("198.51.100.1");
  });

  test("that of the link, or the address, that is configured", () => {
    expect(found(machine(two, { vtep: { interface: "eth0" } }, { defaultBy: "eth1" }))).toBe(
      "192.0.2.1",
    );
    expect(found(machine(two, { vtep: { address: "198.51.100.1" } }))).toBe("198.51.100.1");
  });

  test("one that other nodes can reach: IPv4 first, and none of the link's own", () => {
    const vtep = { vtep: { interface: "eth0" } };
    const local = ["fe80::1/64", "169.254.3.4/16"];
    const of = (more: readonly string[]) => found(machine({ eth0: [...local, ...more] }, vtep));
    expect(of(["2001:db8::1/64", "192.0.2.1/24", "192.0.2.9/24"])).toBe("192.0.2.1");
    expect(of(["2001:db8::1/64"])).toBe("2001:db8::1");
  });

  test.each([
    [{}, "there is no default route"],
    [{ vtep: { interface: "eth2" } }, 'link "eth2" has no address that other machines reach'],
    [{ vtep: { interface: "eth9" } }, "there is no such link"],
    [{ vtep: { address: "192.0.2.99" } }, "no link has it"],
  ])("not waited for: %j", (json, state) => {
    const failure = failureOf(() => vtepOf(machine({ ...two, eth2: ["fe80::1/64"] }, json)));
    expect(failure?.kind).toBe("invalid-config");
    expect(failure?.message).toContain(state);
    expect(failure?.details).toContain('"vtep" in node.json');
  });

  test("which links there are is told to who named another", () => {
    const failure = failureOf(() => vtepOf(machine(two, { vtep: { interface: "eth9" } })));
    expect(failure?.details).toMatch(/There are ("lo", )?"eth0", "eth1"\.$/);
  });
});

describe("the networks' MTU is the underlay's", () => {
  test.each([
    ["192.0.2.1/24", 1450],
    ["2001:db8::1/64", 1430],
  ])("less what VXLAN adds, with a VTEP of %s: %i", (address, mtu) => {
    expect(underlayMtu(machine({ eth0: [address] }, { vtep: { interface: "eth0" } }))).toBe(mtu);
    const jumbo = machine({ eth0: [address] }, {}, { defaultBy: "eth0", mtu: 9000 });
    expect(underlayMtu(jumbo)).toBe(mtu + 7500);
  });

  test("where there is but this machine, and no way out of it: Ethernet's", () => {
    expect(underlayMtu(machine({ lo: [] }, { store: { type: "file" } }))).toBe(1450);
  });
});
