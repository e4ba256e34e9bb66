import { expect, test } from "vitest";
import { arp, ethernet, etherType, reply4, sendFrames, udp4 } from "./frames.ts";
import { openLab } from "./lab.ts";
import { ip } from "./run.ts";
import { openWire, parseFrame } from "./wire.ts";

const outer = { to: "02:00:00:00:00:02", from: "02:00:00:00:00:01" };
const inner = { to: "02:42:0a:02:00:42", from: "02:42:0a:02:00:03" };
const claim = { sha: inner.from, spa: "10.2.0.3", tpa: "10.2.0.66" };
const way = { source: "192.0.2.1", destination: "192.0.2.2", from: 40000, to: 4789 };

const vxlan = (vni: number, frame: Uint8Array): Uint8Array =>
  udp4(outer, way, Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, vni, 0]), frame]));

test("what is in a tunnel, and what is not", () => {
  expect(parseFrame(vxlan(7, arp(inner, "request", claim)))).toEqual({
    destination: inner.to,
    source: inner.from,
    etherType: etherType.arp,
    senders: ["10.2.0.3"],
    tunnel: { vni: 7, from: "192.0.2.1", to: "192.0.2.2" },
  });
  expect(parseFrame(reply4(outer, "192.0.2.1", "192.0.2.2"))).toEqual({
    destination: outer.to,
    source: outer.from,
    etherType: etherType.ip,
    senders: ["192.0.2.1"],
    tunnel: undefined,
  });
  expect(parseFrame(ethernet(outer, 0x88cc, Buffer.alloc(4)))).toMatchObject({ senders: [] });
});

test("a recording goes on, and tells each frame once", async () => {
  const lab = openLab();
  try {
    const netns = lab.addNetns("wire");
    ip("-n", netns, "link", "add", "one", "type", "veth", "peer", "name", "two");
    for (const link of ["one", "two"])
      ip("-n", netns, "link", "set", link, "addrgenmode", "none", "up");
    const wire = await openWire(lab, netns, "two");
    await sendFrames(netns, "one", [arp(inner, "request", claim)]);
    expect(await wire.news()).toMatchObject([{ source: inner.from, senders: ["10.2.0.3"] }]);
    const mark = await wire.mark();
    await sendFrames(netns, "one", [vxlan(7, arp(inner, "request", claim))]);
    expect(await wire.news()).toMatchObject([{ tunnel: { vni: 7 } }]);
    expect(await wire.news()).toEqual([]);
    expect(await wire.since(mark)).toHaveLength(1);
  } finally {
    await lab.close();
  }
});
