import { expect, test } from "vitest";
import { type Mac, macOfIp4 } from "../../../lib/net/mac.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import { partiesOf } from "../../../lib/trace/parties.ts";
import { startOf } from "../../../lib/trace/start.ts";
import { facts, ip, vtep } from "./sample-facts.ts";

const mac = 0x0a00_0000_0009 as Mac;
const lease = {
  ...{ network: "web", prefix: parsePrefix4("10.2.0.9/32") as Prefix4, mac },
  ...{ node: "host-b", vtep: vtep(2) },
};

test.each([
  ["10.2.0.9", mac],
  ["10.2.0.8", macOfIp4(ip("10.2.0.8"))],
])("%s has the MAC that its lease says, or that its address makes", (address, expected) => {
  const known = { ...facts, leases: [...facts.leases, lease] };
  const start = startOf(known, {
    ...partiesOf(known, { from: "one", to: address, network: undefined }),
    network: undefined,
    content: { kind: "icmp", answer: false },
    spoofed: {},
  });
  expect(start.packet.ethDst).toBe(expected);
});
