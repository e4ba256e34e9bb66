import { describe, expect, test } from "vitest";
import { gatewayAttachment, gatewayLinkName, outerName } from "../../../lib/attach/names.ts";
import { identifierFault } from "../../../lib/cni/environment.ts";

const id = { name: "web", containerId: "c1", ifname: "eth0" };
/** As the kernel takes them: 15 bytes (IFNAMSIZ less the zero), and not of these. */
const linkName = /^[^/:\s]{1,15}$/;

describe("a container's link on the host", () => {
  test("has a name that follows from the attachment, and fits", () => {
    expect(outerName(id)).toBe(outerName({ ...id }));
    const long = "x".repeat(255);
    for (const one of [id, { name: long, containerId: long, ifname: "a".repeat(15) }]) {
      expect(outerName(one)).toMatch(/^spv[0-9a-v]{12}$/);
      expect(outerName(one)).toMatch(linkName);
    }
  });

  test("has another name in each part of the attachment, also where they read alike", () => {
    const others = [
      id,
      { ...id, name: "web2" },
      { ...id, containerId: "c2" },
      { ...id, ifname: "eth1" },
      { name: "we", containerId: "bc1", ifname: "eth0" },
      { name: "web", containerId: "c", ifname: "1eth0" },
    ];
    expect(new Set(others.map(outerName)).size).toBe(others.length);
  });
});

describe("a network's own link", () => {
  test.each([
    ["web", "sp-web"],
    ["twelve-chars", "sp-twelve-chars"],
  ])("of %s is %s", (network, expected) => {
    expect(gatewayLinkName(network)).toBe(expected);
  });

  test("of a longer name is hashed, and fits", () => {
    const names = ["thirteen-char", "thirteen-chars", "x".repeat(63)].map(gatewayLinkName);
    expect(new Set(names).size).toBe(3);
    for (const name of names) {
      expect(name).toMatch(/^sp-[0-9a-v]{12}$/);
      expect(name).toMatch(linkName);
    }
  });
});

test("the node's own address is of no CNI name", () => {
  const own = gatewayAttachment("web");
  expect(own).toEqual({ name: "@node", containerId: "web", ifname: "sp-web" });
  expect(identifierFault(own.name)).toBeDefined();
});
