/** What was there before is gone: the switch's flows and ports, the firewall, the run directory. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Attached, attach, check, detach } from "../lab/attach.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { link, ping, reaches } from "../lab/probe.ts";
import { must } from "../lab/run.ts";
import { addPairs, db, web } from "../lab/two-networks.ts";

let lab: Lab;
let node: LabNode;
let outside: Outside;
let webs: readonly Attached[];
let dbs: readonly Attached[];
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  ({ webs, dbs } = await addPairs(node));
});
afterEach(() => lab.close());

const add = (conf: unknown): Promise<Attached> => attach(node, node.addContainer(), conf);

/** All of a network reach each other, the gateway, and the world outside. */
async function areConnected(
  conf: object,
  gateway: string,
  all: readonly Attached[],
): Promise<void> {
  for (const [index, { container, ...one }] of all.entries()) {
    const other = all[(index + 1) % all.length]?.address ?? "";
    const other6 = all[(index + 1) % all.length]?.address6;
    for (const address of [other, ...(other6 ? [other6] : []), gateway, outside.address]) {
      const reached = await ping(container.netns, address);
      expect({ from: one.address, address, reached }).toMatchObject({ reached: true });
    }
    await check(node, { container, ...one }, conf);
  }
}

async function deleteAll(): Promise<void> {
  for (const { container } of webs) await detach(node, container, web);
  for (const { container } of dbs) await detach(node, container, db);
  await assertNothingLeft([node]);
}

describe("the next ADD puts back", () => {
  test("the flows of a switch that was killed", async () => {
    const [one, other] = webs;
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    expect(await ping(one?.container.netns ?? "", other?.address ?? "")).toBe(false);

    webs = [...webs, await add(web)];
    await areConnected(web, "10.2.0.1", webs);
    await areConnected(db, "10.3.0.1", dbs);
    expect(await link(node.netns, "sp-web")).toMatchObject({ mtu: 1300 });
    await assertSound([node]);
    await deleteAll();
  });

  test("the gateway of a switch that was ended, which takes its ports along", async () => {
    await node.ovs.endSwitch();
    expect(await link(node.netns, "sp-web")).toBeUndefined();
    await node.ovs.startSwitch();

    webs = [...webs, await add(web)];
    await areConnected(web, "10.2.0.1", webs);
    expect(await link(node.netns, "sp-web")).toMatchObject({ mtu: 1300 });
    dbs = [...dbs, await add(db)];
    await areConnected(db, "10.3.0.1", dbs);
    await assertSound([node]);
    await deleteAll();
  });

  test.each(["runs", "is down"])(
    "every port, when the switch's database is lost while it %s",
    async (state) => {
      const before = await factsOf(node);
      if (state === "is down") {
        await node.ovs.killSwitch();
        node.ovs.vsctl("--no-wait", "del-br", "sp0");
        await node.ovs.startSwitch();
      } else node.ovs.vsctl("del-br", "sp0");

      // Of one network; the other one's containers must not notice.
      webs = [...webs, await add(web)];
      await areConnected(web, "10.2.0.1", webs);
      await areConnected(db, "10.3.0.1", dbs);
      await assertSound([node]);
      const rows = ({ ports }: typeof before) =>
        new Set(ports.map(({ link, ofport, ids }) => JSON.stringify({ link, ofport, ...ids })));
      expect([...rows(await factsOf(node))]).toEqual(expect.arrayContaining([...rows(before)]));
      expect(await link(node.netns, "sp-web")).toMatchObject({ mtu: 1300 });
      await deleteAll();
    },
  );

  test("the firewall, when somebody has flushed it", async () => {
    const { netns } = node;
    const ruleset = async () => must({ netns, argv: ["nft", "list", "ruleset"] });
    const before = await ruleset();
    await must({ netns, argv: ["nft", "flush", "ruleset"] });
    expect(await ping(webs[0]?.container.netns ?? "", outside.address)).toBe(false);

    webs = [...webs, await add(web)];
    await areConnected(web, "10.2.0.1", webs);
    dbs = [...dbs, await add(db)];
    await areConnected(db, "10.3.0.1", dbs);
    expect(withoutCounters(await ruleset())).toBe(withoutCounters(before));
    await deleteAll();
  });
});

describe("after a reboot", () => {
  test("the switch's rows are those of what lives", async () => {
    const before = await factsOf(node);
    await reboot();
    // On a tmpfs.
    rmSync(node.runDir, { recursive: true });

    const [dead] = webs;
    webs = [await add(web), await add(web)];
    dbs = [await add(db)];
    await assertSound([node]);
    await areConnected(web, "10.2.0.1", webs);
    const own = ({ ports }: typeof before) =>
      ports.filter(({ ids }) => ids.role === "gateway").map(({ ids }) => ids.address);
    expect(own(await factsOf(node)).sort()).toEqual(own(before).sort());
    if (dead !== undefined) await detach(node, dead.container, web);
    await deleteAll();
  });

  test("a run directory that outlived it counts for nothing", async () => {
    await reboot();
    const marker = join(node.runDir, "boot");
    expect(readFileSync(marker, "utf8").trim()).toMatch(/^[0-9a-f-]{36}$/);
    writeFileSync(marker, "00000000-0000-4000-8000-000000000000");

    webs = [await add(web), await add(web)];
    dbs = [await add(db)];
    await assertSound([node]);
    await areConnected(web, "10.2.0.1", webs);
    await deleteAll();
  });

  /** The containers are gone, and the switch's database has rows of another boot. */
  async function reboot(): Promise<void> {
    await node.ovs.endSwitch();
    for (const { container } of [...webs, ...dbs]) container.remove();
    for (const { outer } of [...webs, ...dbs]) {
      node.ovs.vsctl("--no-wait", "set", "interface", outer, "external_ids:socketplane-boot=other");
    }
    await node.ovs.startSwitch();
  }
});

test("a run directory that is lost under containers is put together again", async () => {
  rmSync(node.runDir, { recursive: true });
  // Of one network; the other one's containers must not notice.
  webs = [...webs, await add(web)];
  expect(new Set(webs.map(({ address }) => address)).size).toBe(3);
  await areConnected(web, "10.2.0.1", webs);
  await areConnected(db, "10.3.0.1", dbs);
  await assertSound([node]);
  dbs = [...dbs, await add(db)];
  await assertSound([node]);
  await areConnected(db, "10.3.0.1", dbs);
  await deleteAll();
});

test("a run directory that is lost with its containers", async () => {
  for (const { container } of [...webs, ...dbs]) container.remove();
  rmSync(node.runDir, { recursive: true });
  const dead = [webs, dbs];
  webs = [await add(web), await add(web)];
  dbs = [await add(db)];
  await assertSound([node]);
  await areConnected(web, "10.2.0.1", webs);
  for (const { container } of dead[0] ?? []) await detach(node, container, web);
  for (const { container } of dead[1] ?? []) await detach(node, container, db);
  await assertSound([node]);
  await areConnected(web, "10.2.0.1", webs);
  await deleteAll();
});

const withoutCounters = (ruleset: string): string =>
  ruleset.replace(/counter packets \d+ bytes \d+/g, "counter");

test("a machine that is alone with its store may change its hostname", async () => {
  const alone = await lab.startNode({ name: "local", config: { node: undefined } });
  const first = await attach(alone, alone.addContainer(), web);
  rmSync(join(alone.runDir, "networks/web/cache.json"));
  const renamed = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', "renamed"];
  const second = alone.addContainer();
  const added = await alone.cni({ command: "ADD", conf: web, container: second, under: renamed });
  expect(added.status).toBe(0);
  expect(await reaches(second.netns, first.address)).toBe(true);
  expect(await reaches(first.container.netns, "10.2.0.1")).toBe(true);
  await assertSound([alone]);
});
