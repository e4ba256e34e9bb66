/** A store that was wiped, exchanged or restored under a node that uses it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { find, isHeld, listAssignments } from "../../../lib/ipam/assignments.ts";
import { lostContainers } from "../../../lib/ipam/folders.ts";
import { confirmStore } from "../../../lib/ipam/known-store.ts";
import { type Lease, readLeases } from "../../../lib/ipam/leases.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { release } from "../../../lib/ipam/release.ts";
import { formatIp4, type Ip4 } from "../../../lib/net/ip4.ts";
import { contains4 } from "../../../lib/net/prefix.ts";
import { emptyState, formatState } from "../../../lib/store/file-state.ts";
import { type IpamLab, ip, ipamLab, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 28 });
const id = (containerId: string, name = "web") => ({ name, containerId, ifname: "eth0" });

async function give(lab: IpamLab, containerId: string, address?: Ip4, name?: string) {
  const held = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
  const wish = { id: id(containerId, name), address, port: "none", workload: {}, spec } as const;
  return formatIp4((await assignAddress(lab.ipam, held, wish, soon())).assignment.address);
}

/** Later than any cache holds. */
const refreshed = (lab: IpamLab) => {
  lab.pass(60_000);
  return holdNetwork(lab.ipam, { name: "web", spec }, soon());
};

/** What is taken back to: the file's content, or a backup. */
function backupOf({ config, etcd }: TestStore): () => Promise<void> {
  if (config.type === "file") {
    const path = join(config.path, "state");
    const text = readFileSync(path, "utf8");
    return async () => writeFileSync(path, text);
  }
  const snapshot = etcd?.snapshot() ?? "";
  return async () => etcd?.restore(snapshot);
}

async function wipe({ config, etcd }: TestStore): Promise<void> {
  await etcd?.wipe();
  const empty = formatState(emptyState("another"));
  if (config.type === "file") writeFileSync(join(config.path, "state"), empty);
}

describe.each(stores)("%s", (_name, open) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const node = (name: string, path?: string) =>
    ipamLab({
      store: store.config,
      node: name,
      vtep: `192.0.2.${name.charCodeAt(0)}`,
      ...(path === undefined ? {} : { path }),
    });
  const leases = (lab: IpamLab): Promise<readonly Lease[]> =>
    readLeases(lab.registry, "web", soon());
  const holderOf = async (lab: IpamLab, address: string) =>
    (await leases(lab)).find(({ prefix }) => contains4(prefix, ip(address)))?.node;

  test("that was wiped is refused, and nothing is changed", async () => {
    const lab = node("a");
    const given = await give(lab, "c1");
    const { keys, store: opened } = lab.registry;
    await wipe(store);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(refreshed(lab)).rejects.toMatchObject({
        kind: "store-refused",
        message: expect.stringContaining("it was wiped, or is another one"),
        details: expect.stringContaining("Nothing on this node is changed"),
      });
    }
    // Its name apart, nothing was written.
    const { entries } = await opened.range(keys.all, soon());
    expect(entries.map(({ key }) => keys.parse(key)).filter((known) => known)).toEqual([]);
    const assignment = find(lab.dirs, id("c1"));
    expect(assignment && isHeld(lab.dirs, assignment)).toBe(true);
    expect(assignment && formatIp4(assignment.address)).toBe(given);
    // After a reboot nothing lives, and it begins anew.
    await give(node("a"), "c2");
  });

  test("that was restored gets back what is in use, before anything new is claimed", async () => {
    const [lab, other] = [node("a"), node("b")];
    await give(other, "first");
    await give(lab, "c0");
    const restore = backupOf(store);
    const late = [await give(lab, "c1", ip("10.9.0.100")), await give(lab, "c2", ip("10.9.0.120"))];
    release(lab.dirs, id("c2"));
    // Enough for the node to see that it went back.
    for (let write = 0; write < 5; write += 1) {
      const filler = { put: "/filler", value: `${write}` };
      await lab.registry.store.commit({ compares: [], writes: [filler] }, soon());
    }
    await refreshed(lab);
    await restore();
    expect(await holderOf(lab, "10.9.0.100")).toBeUndefined();
    expect(await confirmStore(lab.ipam, lab.registry, soon())).toBe("restored");
    const held = await refreshed(lab);
    expect(await holderOf(lab, "10.9.0.100")).toBe("a");
    const assignment = find(lab.dirs, id("c1"));
    expect(assignment && isHeld(lab.dirs, assignment)).toBe(true);
    // What was not in use is anybody's.
    expect(await holderOf(lab, "10.9.0.120")).toBeUndefined();
    expect(held.blocks.some(({ prefix }) => contains4(prefix, ip("10.9.0.120")))).toBe(false);
    expect(late[0]).toBe("10.9.0.100");
    // The same container, by its old record, in the folder's new name.
    release(lab.dirs, id("c1"));
    expect(await give(other, "c3", ip("10.9.0.120"))).toBe("10.9.0.120");
    expect(lostContainers(lab.dirs, "web")).toEqual([]);
  });

  test("that was restored to before the node was registered has it register anew", async () => {
    const [lab, other] = [node("a"), node("b")];
    await give(other, "first");
    const restore = backupOf(store);
    const given = await give(lab, "c1");
    await refreshed(lab);
    await restore();
    expect(await holderOf(lab, given)).toBeUndefined();
    await refreshed(lab);
    expect(await holderOf(lab, given)).toBe("a");
  });

  test("that was restored loses what another node claims first", async () => {
    const [lab, other] = [node("a"), node("b")];
    await give(other, "first");
    await give(lab, "c0");
    const restore = backupOf(store);
    await give(lab, "c1", ip("10.9.0.100"));
    await give(lab, "own", ip("10.9.0.101"), "@node");
    await restore();
    await refreshed(other);
    await give(other, "thief", ip("10.9.0.102"));
    const held = await refreshed(lab);
    expect(held.blocks.some(({ prefix }) => contains4(prefix, ip("10.9.0.100")))).toBe(false);
    expect(lostContainers(lab.dirs, "web").map((one) => one.id)).toEqual([id("c1")]);
    const lost = find(lab.dirs, id("c1"));
    expect(lost && isHeld(lab.dirs, lost)).toBe(false);
    // The node's own address there is given up, to be made anew.
    expect(find(lab.dirs, id("own", "@node"))).toBeUndefined();
    await expect(give(lab, "c4", ip("10.9.0.100"))).rejects.toThrow('held by node "b"');
    // Its DEL takes away what is left of it.
    release(lab.dirs, id("c1"));
    await refreshed(lab);
    expect(lostContainers(lab.dirs, "web")).toEqual([]);
    const folders = lab.dirs.networks.make("web").list();
    expect(folders.filter((name) => name.includes("lost"))).toEqual([]);
  });

  test("from which a node was removed is refused until its containers are gone", async () => {
    const lab = node("a");
    const given = await give(lab, "c1");
    const { keys, store: opened } = lab.registry;
    await refreshed(lab);
    const writes = [
      { remove: keys.node("a") },
      { remove: keys.vtep({ family: 4, address: ip("192.0.2.97") }) },
      ...(await leases(lab)).map(({ prefix }) => ({ remove: keys.lease("web", prefix) })),
    ];
    await opened.commit({ compares: [], writes }, soon());
    await expect(refreshed(lab)).rejects.toMatchObject({
      kind: "store-refused",
      message: expect.stringContaining('node "a" was removed from it'),
    });
    expect(await holderOf(lab, given)).toBeUndefined();
    release(lab.dirs, id("c1"));
    await refreshed(lab);
    expect(listAssignments(lab.dirs)).toEqual([]);
    expect(await give(lab, "c2")).not.toBe("");
    expect(await leases(lab)).toHaveLength(1);
  });
});
