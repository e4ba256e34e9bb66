/** A network's cache that somebody's hand was in. */
import { expect, test } from "vitest";
import { isHeldShape } from "../../../lib/ipam/held-shape.ts";

const ip6 = "0xfd000000000000000000000000000001";
const full = {
  stored: {
    network: {
      name: "web",
      subnet: { base: 167903232, length: 16 },
      subnet6: { base: ip6, length: 64 },
      gateway: 167903233,
      range: { first: 167903233, last: 167968766 },
      blockLength: 26,
      vni: 7,
      mtu: 1400,
      masquerade: true,
      allowed: ["db"],
      deleting: true,
    },
    revision: 9,
  },
  node: { name: "host-a", createRevision: 9 },
  tunnel: { family: 6, address: ip6 },
  blocks: [{ prefix: { base: 167903232, length: 26 }, revision: 9, mac: 5 }],
  peers: { count: 2, digest: 7 },
  revision: 9,
  readAt: 5.5,
};

/** With another value at each place, one after the other. */
function* others(value: unknown): Generator<unknown> {
  for (const other of [null, -1, "x", {}, [null]]) {
    if (typeof other !== typeof value || other === null) yield other;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const other of others(inner)) {
      yield Array.isArray(value) ? [other] : { ...value, [key]: other };
    }
  }
}

test("is of the form that it is written in, or not", () => {
  expect(isHeldShape(full)).toBe(true);
  const { subnet6, mtu, allowed, deleting, ...network } = full.stored.network;
  const [{ mac, ...block } = { mac: 0 }] = full.blocks;
  const least = {
    ...full,
    stored: { ...full.stored, network },
    tunnel: undefined,
    blocks: [block],
  };
  expect(isHeldShape(least)).toBe(true);
  expect(isHeldShape({ ...least, tunnel: { family: 4, address: 1 } })).toBe(true);
  for (const other of others(full)) {
    expect(isHeldShape(other), JSON.stringify(other)).toBe(false);
  }
  for (const wrong of [1.5, 2 ** 53]) expect(isHeldShape({ ...full, revision: wrong })).toBe(false);
});
