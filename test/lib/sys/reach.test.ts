/** Echo, ARP and datagrams over real links, with a router that takes less than the others. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import type { Mac } from "../../../lib/net/mac.ts";
import { decodeArpReply, encodeArpRequest } from "../../../lib/sys/arp.ts";
import { decodeIcmp, encodeEcho } from "../../../lib/sys/icmp.ts";
import { must, run } from "../../lab/run.ts";
import { type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";

let namespaces: Namespaces;
beforeEach(() => {
  namespaces = openNamespaces();
});
afterEach(() => namespaces.cleanup.run());

const rules = `table inet test {
  chain input {
    type filter hook input priority 0
    udp dport 4790 reject with icmpx type admin-prohibited
  }
}`;

/** "here", a router, and "there", behind a link that takes 1,300 bytes. */
async function makeWay() {
  const [here, router, there] = (["here", "router", "there"] as const).map(namespaces.make);
  if (here === undefined || router === undefined || there === undefined) throw new Error("no way");
  // Addresses are usable at once.
  const argv = ["sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"];
  for (const { name: netns } of [here, router, there]) await must({ netns, argv });
  const ends = [
    { of: here, link: "one", network: 1, host: 1 },
    { of: router, link: "left", network: 1, host: 2 },
    { of: router, link: "right", network: 2, host: 2 },
    { of: there, link: "two", network: 2, host: 1 },
    { of: here, link: "side", network: 3, host: 2 },
    { of: router, link: "other", network: 3, host: 1 },
  ];
  const veth = (link: string, peer: string, of: typeof router) =>
    of.ip("link", "add", link, "type", "veth", "peer", "name", peer, "netns", router.name);
  veth("one", "left", here);
  veth("two", "right", there);
  veth("side", "other", here);
  for (const { of, link, network, host } of ends) {
    of.ip("address", "add", `10.99.${network}.${host}/24`, "dev", link);
    of.ip("address", "add", `fd99:${network}::${host}/64`, "dev", link, "nodad");
    const mtu = network === 2 ? "1300" : "1500";
    of.ip("link", "set", link, "mtu", mtu, "up");
  }
  const forwarding = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
  await must({ netns: router.name, argv: ["sysctl", "-qw", ...forwarding] });
  here.ip("route", "add", "10.99.2.0/24", "via", "10.99.1.2");
  here.ip("route", "add", "fd99:2::/64", "via", "fd99:1::2");
  there.ip("route", "add", "10.99.0.0/16", "via", "10.99.2.2");
  there.ip("route", "add", "fd99::/16", "via", "fd99:2::2");
  await must({ netns: there.name, argv: ["nft", "-f", "-"], stdin: rules });
  return here;
}

describe.each(["bun", "node"] as const)("under %s", (runtime) => {
  test("what is reached says so, and what is not says why", async () => {
    const here = await makeWay();
    const argv = [...runtimes[runtime], programAt("reach-probe.ts"), here.path];
    const { status, stdout, stderr } = await run({ argv });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const answers = {
      small: { what: "reply", number: 1 },
      fits: { what: "reply", number: 2 },
      tooBig: { what: "too big", number: 3, mtu: 1_300 },
      again: { what: "too big", number: 65_535, mtu: 1_300 },
      overLink: "EMSGSIZE",
    };
    const there4 = { family: 4, address: 0x0a630201 };
    const there6 = { family: 6, address: `${0xfd990002n * 2n ** 96n + 1n}` };
    const told = (to: unknown) => ({
      closed: { what: "closed", to, port: 4_789 },
      prohibited: { what: "prohibited", to, port: 4_790 },
    });
    expect(JSON.parse(stdout)).toEqual({
      ip4: { ...answers, ...told(there4) },
      ip6: { ...answers, ...told(there6) },
      // By the other link there is no way there.
      byLink: { one: { what: "reply", number: 7 }, side: "nothing" },
      neighbours: {
        small: { by: 0x0a630102, to: 0x0a630101 },
        full: { by: 0x0a630102, to: 0 },
        overLink: "EMSGSIZE",
        nobody: "nothing",
      },
    });
  });
});

test("a request is no answer, and another's answer is not ours", () => {
  const request = encodeEcho(4, 7, 1, 64);
  expect(request).toHaveLength(44);
  expect(decodeIcmp(4, request, 7)).toBeUndefined();
  const reply = Uint8Array.from(request);
  reply[0] = 0;
  expect(decodeIcmp(4, reply, 7)).toEqual({ what: "reply", number: 1 });
  expect(decodeIcmp(4, reply, 8)).toBeUndefined();
  const arp = encodeArpRequest(0x0242_0a02_0002 as Mac, 0 as Ip4, 0x0a020003 as Ip4, 100);
  expect(arp).toHaveLength(114);
  expect(decodeArpReply(arp)).toBeUndefined();
});

test("what is cut off anywhere is not read", () => {
  const error = new Uint8Array(8 + 20 + 8);
  error.set([3, 4, 0, 0, 0, 0, 5, 0x14]);
  error.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 8);
  error.set([8, 0, 0, 0, 0, 7, 0, 9], 28);
  expect(decodeIcmp(4, error, 7)).toEqual({ what: "too big", number: 9, mtu: 1_300 });
  for (let length = 0; length < error.length; length += 1) {
    expect(decodeIcmp(4, error.subarray(0, length), 7)).toBeUndefined();
    expect(decodeIcmp(6, error.subarray(0, length), 7)).toBeUndefined();
    expect(decodeArpReply(error.subarray(0, length))).toBeUndefined();
  }
});

test("an error that quotes no whole IP header says nothing", () => {
  // Port unreachable, of a header that says it has no length, with UDP's number in its place.
  const quoted = [0, 0, 0, 0, 0, 0, 0, 0, 0, 17, ...new Array(18).fill(0)];
  expect(decodeIcmp(4, Uint8Array.from([3, 3, 0, 0, 0, 0, 0, 0, ...quoted]), 5)).toBeUndefined();
});
