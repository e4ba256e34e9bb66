/**
 * What a container may send, and what it may see. Forged frames are sent together with honest ones
 * of their kinds: those arrive, so that the absence of the others says something.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Attached, attach } from "../lab/attach.ts";
import { capture, captureFrames } from "../lab/capture.ts";
import { escapes } from "../lab/escape.ts";
import { arp, ethernet, nd, reply4, reply6, sendFrames, tagged } from "../lab/frames.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { leave } from "../lab/leave.ts";
import type { LabNode } from "../lab/node.ts";
import { arping, isFree, reaches } from "../lab/probe.ts";
import { must } from "../lab/run.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const gateway = "10.2.0.1";
const gateway6 = "fd00:2::a02:1";
/** Nobody's. */
const free = { address: "10.2.0.40", mac: "02:42:0a:02:00:28" };

let lab: Lab;
let node: LabNode;
let outside: Outside;
let sender: Attached;
let victim: Attached;
let bystander: Attached;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  [sender, victim, bystander] = [
    await attach(node, node.addContainer(), conf),
    await attach(node, node.addContainer(), conf),
    await attach(node, node.addContainer(), conf),
  ];
});
afterAll(() => leave(lab, node, [[conf, sender, victim, bystander]]));

/** Who frames are for. */
interface Target {
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
}

const local = (one: { readonly address6: string | undefined }): string =>
  one.address6?.replace("fd00:2::", "fe80::") ?? "";

/** What an honest sender sends to somebody, by name. */
function honestFrames(to: Target): Readonly<Record<string, Uint8Array>> {
  const { mac, address, address6 = "" } = sender;
  const head = { to: to.mac, from: mac };
  const claim = { sha: mac, spa: address, tpa: to.address };
  const about = { source: address6, destination: to.address6, option: mac };
  return {
    IPv4: reply4(head, address, to.address),
    IPv6: reply6(head, address6, to.address6),
    "IPv6, link-local": reply6(head, local(sender), to.address6),
    "ARP request": arp(head, "request", claim),
    "ARP probe": arp(head, "request", { ...claim, spa: "0.0.0.0" }),
    "ARP reply": arp(head, "reply", claim),
    "neighbour solicitation": nd(head, "neighbourSolicitation", { ...about, target: to.address6 }),
    "neighbour probe": nd(head, "neighbourSolicitation", {
      source: "::",
      destination: to.address6,
      target: to.address6,
    }),
    "neighbour advertisement": nd(head, "neighbourAdvertisement", { ...about, target: address6 }),
  };
}

/** What a hostile one may try: to be the bystander, the gateway, a router, or nobody at all. */
function forgedFrames(to: Target): Readonly<Record<string, Uint8Array>> {
  const { mac, address, address6 = "" } = sender;
  const other = {
    mac: bystander.mac,
    address: bystander.address,
    address6: bystander.address6 ?? "",
  };
  const head = { to: to.mac, from: mac };
  const asOther = { to: to.mac, from: other.mac };
  const claim = { sha: mac, spa: address, tpa: to.address };
  const about = { source: address6, destination: to.address6, option: mac };
  const ask = { ...about, target: to.address6 };
  const tell = { ...about, target: address6 };
  const solicit = (change: Partial<typeof ask>) =>
    nd(head, "neighbourSolicitation", { ...ask, ...change });
  const advertise = (change: Partial<typeof tell>) =>
    nd(head, "neighbourAdvertisement", { ...tell, ...change });
  const router = { source: local(sender), destination: to.address6, target: gateway6 };
  return {
    "IPv4 from the bystander": reply4(head, other.address, to.address),
    "IPv4 from the gateway": reply4(head, gateway, to.address),
    "IPv4 from nobody": reply4(head, "0.0.0.0", to.address),
    "IPv4 from far away": reply4(head, "192.0.2.1", to.address),
    "IPv4 by another MAC": reply4(asOther, address, to.address),
    "IPv4 in a VLAN": tagged(reply4(head, address, to.address), 5),
    "IPv4 with a priority": tagged(reply4(head, address, to.address), 0),
    "IPv6 from the bystander": reply6(head, other.address6, to.address6),
    "IPv6 from the bystander, link-local": reply6(head, local(bystander), to.address6),
    "IPv6 from the gateway": reply6(head, gateway6, to.address6),
    "IPv6 from nobody": reply6(head, "::", to.address6),
    "IPv6 by another MAC": reply6(asOther, address6, to.address6),
    "ARP request by the bystander": arp(head, "request", { ...claim, spa: other.address }),
    "ARP request by the gateway": arp(head, "request", { ...claim, spa: gateway }),
    "ARP request of another MAC": arp(head, "request", { ...claim, sha: other.mac }),
    "ARP request by another MAC": arp(asOther, "request", claim),
    "ARP reply by the bystander": arp(head, "reply", { ...claim, spa: other.address }),
    "ARP reply by the gateway": arp(head, "reply", { ...claim, spa: gateway }),
    "ARP reply by nobody": arp(head, "reply", { ...claim, spa: "0.0.0.0" }),
    "ARP reply of another MAC": arp(head, "reply", { ...claim, sha: other.mac }),
    "solicitation by the bystander": solicit({ source: other.address6 }),
    "solicitation by the gateway": solicit({ source: gateway6 }),
    "solicitation of another MAC": solicit({ option: other.mac }),
    "advertisement for the bystander": advertise({ target: other.address6 }),
    "advertisement for the bystander, link-local": advertise({ target: local(bystander) }),
    "advertisement for the gateway": advertise({ target: gateway6 }),
    "advertisement of another MAC": advertise({ option: other.mac }),
    "a router's advertisement": nd(head, "routerAdvertisement", router),
    "a router's redirect": nd(head, "redirect", router),
    "spanning tree": ethernet(head, 0x0026, Buffer.alloc(46)),
    LLDP: ethernet(head, 0x88cc, Buffer.alloc(46)),
  };
}

/** Sends all of these to somebody and gives the names of those that were seen where one listened. */
async function arrivals(
  to: Target,
  place: { readonly netns: string; readonly link: string },
): Promise<readonly string[]> {
  const frames = { ...forgedFrames(to), ...honestFrames(to) };
  const names = new Map(
    Object.entries(frames).map(([name, frame]) => [sinceSource(frame), name] as const),
  );
  const seen = await captureFrames(place.netns, place.link, fromContainers());
  await sendFrames(sender.container.netns, "eth0", Object.values(frames));
  return (await seen.stop()).map((frame) => {
    const bytes = sinceSource(frame);
    return names.get(bytes) ?? `something else: ${bytes}`;
  });
}

/** A filter for what containers send, under whatever MAC. */
const fromContainers = (): string => {
  const macs = [sender, bystander].map(({ mac }) => `ether src ${mac}`);
  return [...macs, "vlan"].join(" or ");
};

/** Without the destination, which the switch sets: a frame is then like no other. */
const sinceSource = (frame: Uint8Array): string => Buffer.from(frame.subarray(6)).toString("hex");

test("of a container's frames, only the honest ones arrive at another", async () => {
  const { mac, address, address6 = "" } = victim;
  const to = { mac, address, address6 };
  const atHost = await capture(node.netns, "sp-web", fromContainers());
  const seen = await arrivals(to, { netns: victim.container.netns, link: "eth0" });
  expect(seen).toEqual(Object.keys(honestFrames(to)));
  expect(await atHost.stop()).toEqual([]);
});

test("nor do others arrive at the gateway", async () => {
  const to = { mac: "02:42:0a:02:00:01", address: gateway, address6: gateway6 };
  const seen = await arrivals(to, { netns: node.netns, link: "sp-web" });
  expect(seen).toEqual(Object.keys(honestFrames(to)));
});

test("nothing is flooded: neither broadcast, nor multicast, nor what nobody has", async () => {
  const all = [victim, bystander].map(({ container }) => container.netns);
  const seen = await Promise.all(
    all.map((netns) => capture(netns, "eth0", `ether src ${sender.mac}`)),
  );
  const host = await capture(node.netns, "sp-web", fromContainers());
  const to = (mac: string, address: string) =>
    reply4({ to: mac, from: sender.mac }, sender.address, address);
  await sendFrames(sender.container.netns, "eth0", [
    to("ff:ff:ff:ff:ff:ff", "255.255.255.255"),
    to("ff:ff:ff:ff:ff:ff", "10.2.255.255"),
    to("01:00:5e:00:00:01", "224.0.0.1"),
    to(free.mac, free.address),
    to("02:42:c0:00:02:01", "192.0.2.1"),
    reply6({ to: "33:33:00:00:00:01", from: sender.mac }, local(sender), "ff02::1"),
    to(victim.mac, victim.address),
  ]);
  const [byVictim, byBystander] = await Promise.all(seen.map((one) => one.stop()));
  expect(byVictim).toHaveLength(1);
  expect(byBystander).toEqual([]);
  expect(await host.stop()).toEqual([]);
});

test("an ARP request goes to the one who is asked for, and to nobody else", async () => {
  const bystanders = await capture(bystander.container.netns, "eth0", "arp");
  expect(await arping(sender.container.netns, victim.address)).toEqual([victim.mac]);
  expect(await arping(sender.container.netns, gateway)).toEqual(["02:42:0a:02:00:02"]);
  expect(await bystanders.stop()).toEqual([]);
});

test("duplicate address detection finds a taken address taken, and a free one free", async () => {
  const { netns } = sender.container;
  expect(await isFree(netns, victim.address)).toBe(false);
  expect(await isFree(netns, gateway)).toBe(false);
  expect(await isFree(netns, free.address)).toBe(true);
});

test("the host's kernel sees nothing of a container past the switch", async () => {
  expect(await escapes(node, sender.container, outside)).toEqual([]);
});

test("the gateway is nobody's to be", async () => {
  // A container that takes the gateway's address for its own, and says so.
  const { netns } = sender.container;
  await must({ netns, argv: ["ip", "address", "add", `${gateway}/32`, "dev", "eth0"] });
  await must({ netns, argv: ["ip", "neighbour", "flush", "dev", "eth0"] });
  const said = { to: victim.mac, from: sender.mac };
  const claim = { sha: sender.mac, spa: gateway, tpa: victim.address };
  await sendFrames(netns, "eth0", [arp(said, "reply", claim), arp(said, "request", claim)]);
  const there = victim.container.netns;
  expect(await reaches(there, gateway)).toBe(true);
  const shown = await must({ netns: there, argv: ["ip", "neighbour", "show", gateway] });
  expect(shown).toContain("02:42:0a:02:00:02");
  await must({ netns, argv: ["ip", "address", "delete", `${gateway}/32`, "dev", "eth0"] });
});
