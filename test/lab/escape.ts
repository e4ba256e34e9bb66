/**
 * Tries to get frames of a container past the switch, as a hostile one would.
 *
 * Why: on the userspace datapath the switch reads a veth by a copy (AF_PACKET), so the host's
 * kernel gets every frame of the container too, and would answer and route it.
 */
import { capture } from "./capture.ts";
import type { Outside } from "./lab.ts";
import type { Container, LabNode } from "./node.ts";
import { arping } from "./probe.ts";
import { must, run } from "./run.ts";

/** An address of nobody's, in no network of any test. */
const foreign = "198.51.100.66";

/** What got past: answers of the host's kernel, and frames that it routed. Nothing, if all is well. */
export async function escapes(
  node: LabNode,
  container: Container,
  outside: Outside,
): Promise<readonly string[]> {
  const { netns } = container;
  const inContainer = (...argv: readonly string[]) => must({ netns, argv });
  const answers = await arping(netns, outside.node);

  // The host's own MAC on that link: what it is sent, its kernel takes for its own.
  const macs = await outerMacs(node);
  const requests = await capture(outside.netns, "eth0", "icmp[icmptype] == icmp-echo");
  await inContainer("ip", "address", "add", `${foreign}/32`, "dev", "eth0");
  for (const mac of macs) {
    const to = outside.address;
    await inContainer("ip", "route", "replace", `${to}/32`, "dev", "eth0", "src", foreign);
    await inContainer(
      "ip",
      "neighbour",
      "replace",
      to,
      "lladdr",
      mac,
      "dev",
      "eth0",
      "nud",
      "permanent",
    );
    await run({ netns, argv: ["ping", "-n", "-c2", "-i0.2", "-W1", "-I", foreign, to] });
    await inContainer("ip", "neighbour", "delete", to, "dev", "eth0");
    await inContainer("ip", "route", "delete", `${to}/32`, "dev", "eth0");
  }
  await inContainer("ip", "address", "delete", `${foreign}/32`, "dev", "eth0");
  return [
    ...answers.map((mac) => `${mac} answered for ${outside.node}, past the switch`),
    ...(await requests.stop()),
  ];
}

/** MACs of the host's ends of containers' links. */
async function outerMacs(node: LabNode): Promise<readonly string[]> {
  const shown = await must({ netns: node.netns, argv: ["ip", "-j", "link"] });
  const links = JSON.parse(shown) as readonly { ifname: string; address: string }[];
  return links.filter(({ ifname }) => ifname.startsWith("spv")).map(({ address }) => address);
}
