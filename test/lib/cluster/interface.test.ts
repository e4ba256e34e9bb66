import { describe, expect, test } from "vitest";
import { type Candidate, candidatesOf, chooseInterface } from "../../../lib/cluster/interface.ts";
import { Failure } from "../../../lib/errors.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";

const link = (name: string, more: Partial<Candidate> = {}, address = "192.0.2.1"): Candidate => {
  const vtep = parseVtep(address);
  return {
    link: name,
    addresses: vtep === undefined ? [] : [vtep],
    up: true,
    leadsOut: false,
    virtual: false,
    ...more,
  };
};
const failureOf = (act: () => unknown): Failure => {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
  }
  throw new Error("nothing was refused");
};

describe("what is taken by itself", () => {
  test("the default route's, before all others, which are named", () => {
    const all = [
      link("eth0"),
      link("eth1", { leadsOut: true }),
      link("docker0", { virtual: true }),
    ];
    expect(chooseInterface(all, undefined)).toMatchObject({
      link: "eth1",
      why: "it has the default route",
      others: ["eth0", "docker0"],
    });
  });

  test("without one, the first that no container engine made", () => {
    const all = [link("docker0", { virtual: true }), link("eth1"), link("eth2")];
    const { link: chosen, why, others } = chooseInterface(all, undefined);
    expect({ chosen, why, others }).toEqual({
      chosen: "eth1",
      why: "it is the first with an address that no container engine makes",
      others: ["docker0", "eth2"],
    });
  });

  test("the only one, whatever it is", () => {
    const all = [link("br0", { virtual: true }), link("eth0", {}, ""), link("eth1", { up: false })];
    const { link: chosen, why, others } = chooseInterface(all, undefined);
    expect({ chosen, why, others }).toEqual({
      chosen: "br0",
      why: "no other is up and has an address",
      others: [],
    });
  });

  test("nothing is an error with the list of what there is", () => {
    const { message, details } = failureOf(() =>
      chooseInterface([link("eth0", {}, ""), link("eth1", { up: false })], undefined),
    );
    expect(message).toBe(
      "Cannot choose an interface: none is up and has an address that other machines reach",
    );
    expect(details).toContain("There are: eth0 (no address); eth1 (down, 192.0.2.1)");
    expect(details).toContain("--interface NAME");
    expect(failureOf(() => chooseInterface([], undefined)).details).toContain("no link but its");
  });
});

describe("what is asked for", () => {
  const all = [link("eth0", { leadsOut: true }), link("eth1", {}, "2001:db8::1")];

  test("is taken, whatever else there is", () => {
    expect(chooseInterface(all, { link: "eth1", by: "--interface" })).toEqual({
      link: "eth1",
      address: parseVtep("2001:db8::1"),
      why: "--interface names it",
      others: [],
    });
  });

  test.each([
    [link("eth2", {}, ""), "it has no address that other machines reach"],
    [link("eth2", { up: false }), "it is down"],
    [link("eth3"), "there is no such link"],
  ])("is refused with what is wrong: %j", (other, state) => {
    const asked = { link: "eth2", by: '"vtep" in node.json' };
    const { message, details } = failureOf(() => chooseInterface([...all, other], asked));
    expect(message).toBe(`Cannot use interface "eth2": ${state}`);
    expect(details).toMatch(/^"vtep" in node.json names it\.\nThere are: eth0 \(192\.0\.2\.1\)/);
  });

  test("is not the loopback, which is there", () => {
    const asked = { link: "lo", by: "the command line" };
    const { message, details } = failureOf(() => chooseInterface(all, asked));
    expect(message).toBe(
      'Cannot use interface "lo": no other machine reaches this one by its loopback',
    );
    expect(details).toMatch(/^The command line names it\.\nThere are: /);
  });
});

test("the loopback, and links of ours and the switch's own do not come into question", () => {
  const names = ["lo", "spbr", "ovs-netdev", "sp-web", "spv0123", "sptunnel", "eth0", "br-phy"];
  const like = { mac: undefined, mtu: 1500, up: true, running: true, kind: undefined };
  const peer = { peerIndex: undefined, peerNetns: undefined };
  const all = names.map((name, at) => ({ ...like, ...peer, name, index: at + 1 }));
  const links = { list: () => all, routes: () => [], addresses: () => [] };
  const found = candidatesOf(links, "spbr").map((one) => one.link);
  expect(found).toEqual(["eth0", "br-phy"]);
});
