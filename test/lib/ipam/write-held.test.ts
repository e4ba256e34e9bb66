/** What the agent writes down beside commands that read and claim. */
import { expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { blockName } from "../../../lib/ipam/assignment.ts";
import { type HeldNetwork, heldNow, underLock } from "../../../lib/ipam/held.ts";
import { peersOf } from "../../../lib/ipam/peers.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { writeHeld } from "../../../lib/ipam/write-held.ts";
import type { Revision } from "../../../lib/store/store.ts";
import { type IpamLab, ipamLab, prefix, soon, specOf } from "./lab.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 28 });
const id = (containerId: string) => ({ name: "web", containerId, ifname: "eth0" });

async function claimed(): Promise<{ lab: IpamLab; held: HeldNetwork }> {
  const lab = ipamLab({ vtep: "192.0.2.1" });
  const none = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
  const wish = { id: id("a"), port: "none", workload: {} } as const;
  const { held } = await assignAddress(lab.ipam, none, wish, soon());
  return { lab, held };
}

const write = (lab: IpamLab, held: HeldNetwork) =>
  underLock(lab.ipam, "web", soon(), async (folder) => writeHeld(lab.ipam, folder, held, []));
const folders = (lab: IpamLab) =>
  lab.dirs.networks
    .make("web")
    .list()
    .filter((name) => name.includes("@"));

test("what was claimed after it looked stays, and what was read after it too", async () => {
  const { lab, held } = await claimed();
  const older = { ...held, blocks: [], revision: (held.revision - 1) as Revision };
  expect(await write(lab, older)).toEqual(held);
  expect(heldNow(lab.dirs, "web")).toEqual(held);
  expect(folders(lab)).toEqual(held.blocks.map(blockName));
});

test("a block that was claimed by a process that died before it wrote it down stays", async () => {
  const { lab, held } = await claimed();
  const block = { prefix: prefix("10.9.0.16/28"), revision: held.revision + 2 };
  lab.dirs.networks.make("web").make(blockName(block)).close();
  const seen = { ...held, revision: (held.revision + 1) as Revision };
  expect((await write(lab, seen)).blocks).toEqual([...held.blocks, block]);
});

test("a block that is not this node's any more goes; with containers in it, out of the way", async () => {
  const { lab, held } = await claimed();
  const [block] = held.blocks;
  const name = block === undefined ? "" : blockName(block);
  const later = { ...held, blocks: [], revision: (held.revision + 1) as Revision };
  expect((await write(lab, later)).blocks).toEqual([]);
  expect(folders(lab)).toEqual([`${name}.lost`]);
  const wish = { id: id("b"), network: held.stored.network, port: "none", workload: {} } as const;
  expect(assign(lab.dirs, { ...wish, blocks: held.blocks })).toEqual({ outcome: "full" });
});

test("a lease without a folder is left to who asks the store: it may be given back just now", async () => {
  const { lab, held } = await claimed();
  const lease = { prefix: prefix("10.9.0.32/28"), revision: held.revision + 1 };
  const revision = (held.revision + 1) as Revision;
  const seen = { ...held, blocks: [...held.blocks, lease], revision, peers: peersOf([]) };
  expect((await write(lab, seen)).blocks).toEqual(held.blocks);
  expect(folders(lab)).toEqual(held.blocks.map(blockName));
});
