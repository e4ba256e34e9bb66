import { afterEach, expect, test } from "vitest";
import { escapes } from "./escape.ts";
import { openLab } from "./lab.ts";
import { ip, must } from "./run.ts";

let close = async () => {};
afterEach(() => close());

test("a container on a bare link escapes; with the rules in place it does not", async () => {
  const lab = openLab();
  close = lab.close;
  const node = await lab.startNode();
  const outside = lab.addOutside(node);
  const container = node.addContainer();
  ip(
    "-n",
    node.netns,
    "link",
    "add",
    "spvbare",
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    container.netns,
  );
  ip("-n", node.netns, "link", "set", "spvbare", "up");
  ip("-n", container.netns, "link", "set", "eth0", "up");
  ip("-n", container.netns, "address", "add", "10.2.0.2/16", "dev", "eth0");
  await must({ netns: node.netns, argv: ["sysctl", "-qw", "net.ipv4.ip_forward=1"] });

  const found = await escapes(node, container, outside);
  expect(found.some((one) => one.includes("past the switch"))).toBe(true);
  expect(found.some((one) => one.includes("ICMP echo request"))).toBe(true);

  await must({ netns: node.netns, argv: ["nft", "-f", "-"], stdin: rules });
  expect(await escapes(node, container, outside)).toEqual([]);
});

const rules = `
table inet t {
  chain c {
    type filter hook prerouting priority raw
    iifname "spv*" drop
  }
}
table arp t {
  chain c {
    type filter hook input priority filter
    iifname "spv*" drop
  }
}
`;
