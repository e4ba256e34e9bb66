/** GC takes away what is not listed, and nothing else; STATUS says whether an ADD would work. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { expectRefusal } from "./refusals.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

async function attach(more: Partial<CniCall> = {}): Promise<Container> {
  const container = more.container ?? node.addContainer();
  const { status, stdout } = await node.cni({ command: "ADD", conf, ...more, container });
  expect(status, stdout).toBe(0);
  return container;
}

const detach = async (container: Container, more: Partial<CniCall> = {}) =>
  expect(await node.cni({ command: "DEL", conf, container, ...more })).toMatchObject({ status: 0 });

const gc = (list: object, more: object = {}) =>
  node.cni({ command: "GC", conf: { ...conf, ...more, ...list } });

const listing = (...attachments: readonly (readonly [Container, string])[]) => ({
  "cni.dev/valid-attachments": attachments.map(([{ id }, ifname]) => ({ containerID: id, ifname })),
});

/** "name:container:ifname" of all that is attached. */
async function attached(): Promise<readonly string[]> {
  const { owners } = await factsOf(node);
  return owners
    .filter(({ name }) => name !== "@node")
    .map(({ name, containerId, ifname }) => `${name}:${containerId}:${ifname}`)
    .sort();
}

describe("GC", () => {
  test("removes what is not listed, of this CNI name alone", async () => {
    const alias = { conf: { ...conf, name: "alias", network: "db", subnet: "10.3.0.0/16" } };
    const [kept, stale] = [await attach(), await attach()];
    // A container has one interface in a network, but a CNI name may be of several.
    const second = { ...conf, network: "db", subnet: "10.3.0.0/16" };
    await attach({ container: kept, ifname: "eth1", conf: second });
    await attach({ container: stale, ifname: "eth1", ...alias });

    expect(await gc(listing([kept, "eth0"]))).toMatchObject({ status: 0, stdout: "" });
    expect(await attached()).toEqual([`alias:${stale.id}:eth1`, `web:${kept.id}:eth0`].sort());
    await assertSound([node]);
    expect(await ping(kept.netns, "10.2.0.1")).toBe(true);
    expect(await gc(listing([kept, "eth0"]))).toMatchObject({ status: 0, stdout: "" });

    await detach(kept);
    await detach(stale, { ifname: "eth1", ...alias });
    await assertNothingLeft([node]);
  });

  test("takes an empty list for none, and no list for a slip", async () => {
    const one = await attach();
    const says = ['"cni.dev/valid-attachments" is missing: without it nothing is removed'];
    expectRefusal(await gc({}), { code: 7, says });
    expectRefusal(await gc({ "cni.dev/valid-attachments": null }), { code: 7, says });
    expectRefusal(await gc({ "cni.dev/valid-attachments": [{ containerID: one.id }] }), {
      code: 7,
      says: ['"cni.dev/valid-attachments[0].ifname" is missing'],
    });
    expect(await attached()).toHaveLength(1);
    expect(await gc(listing())).toMatchObject({ status: 0, stdout: "" });
    expect(await attached()).toEqual([]);
    await assertNothingLeft([node]);
  });

  test("does without the containers, and without their DEL", async () => {
    const gone = await attach();
    gone.remove();
    expect(await gc(listing())).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });

  test("goes on where it fails, and says where", async () => {
    await attach();
    await attach();
    await node.ovs.killSwitch();
    // The database alone is enough.
    expect(await gc(listing())).toMatchObject({ status: 0 });
    await node.ovs.startSwitch();
    await assertNothingLeft([node]);
  });

  test("says all that it could not do, and does the rest", async () => {
    const [first, second, third] = [await attach(), await attach(), await attach()];
    const inTheWay = [first, third].map(({ id }) =>
      join(node.runDir, `owners/.new-web:${id}:eth0`),
    );
    for (const folder of inTheWay) mkdirSync(folder);
    const outcome = await gc(listing());
    expectRefusal(outcome, { code: 11, says: ['Cannot collect all of "web": '] });
    const { details } = JSON.parse(outcome.stdout) as { details: string };
    expect(details.split("\n")).toHaveLength(2);
    for (const { id } of [first, third]) expect(details).toContain(id);
    for (const folder of inTheWay) rmdirSync(folder);
    expect((await attached()).join()).not.toContain(second.id);
    expect(await gc(listing())).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });

  test("forwards to its IPAM plugin what it was given, where the database is away too", async () => {
    const folder = mkdtempSync(join(lab.folder, "cni-"));
    const seen = join(folder, "seen");
    const script = `#!/bin/sh\necho "$CNI_COMMAND" >>${seen}\ncat >>${seen}\nexit $(cat ${folder}/status)\n`;
    writeFileSync(join(folder, "theirs"), script, { mode: 0o755 });
    const answer = (status: number) => writeFileSync(join(folder, "status"), `${status}`);
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
    const list = listing([await attach(), "eth0"]);
    const call = {
      command: "GC",
      conf: { ...conf, ipam: { type: "theirs" }, ...list },
      env: { CNI_PATH: folder },
    } as const;
    answer(0);
    expect(await node.cni(call)).toMatchObject({ status: 0 });
    const [verb, ...stdin] = readFileSync(seen, "utf8").split("\n");
    expect([verb, stdin.join("\n")]).toEqual(["GC", JSON.stringify(call.conf)]);
    expect(await attached()).toHaveLength(1);

    answer(1);
    const socket = join(node.ovs.runDir, "db.sock");
    renameSync(socket, `${socket}.away`);
    rmSync(seen);
    const outcome = await node.cni(call);
    expectRefusal(outcome, { code: 11, says: ["Cannot reach ovsdb-server", '"theirs"'] });
    expect(readFileSync(seen, "utf8")).toContain("GC");
    renameSync(`${socket}.away`, socket);
    expect(await gc(listing())).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });

  test("takes the list under either key, and both, as libcni writes them", async () => {
    const [kept, stale] = [await attach(), await attach()];
    const { "cni.dev/valid-attachments": list } = listing([kept, "eth0"]);
    expect(await gc({ "cni.dev/attachments": list })).toMatchObject({ status: 0 });
    expect(await attached()).toEqual([`web:${kept.id}:eth0`]);
    await attach({ container: stale });
    const both = { "cni.dev/attachments": list, "cni.dev/valid-attachments": list };
    expect(await gc(both)).toMatchObject({ status: 0 });
    expect(await attached()).toEqual([`web:${kept.id}:eth0`]);
    expect(await gc({ "cni.dev/attachments": [] })).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });

  test("is not of versions before 1.1.0", async () => {
    expectRefusal(await gc(listing(), { cniVersion: "1.0.0" }), {
      code: 1,
      says: ["config version does not allow GC: it is 1.0.0, GC needs 1.1.0"],
    });
  });
});

describe("STATUS", () => {
  const status = (more: object = {}) => node.cni({ command: "STATUS", conf: { ...conf, ...more } });

  test("is 0 where an ADD would work, before the first one too, and makes nothing", async () => {
    expect(await status()).toMatchObject({ status: 0, stdout: "" });
    const { links, leases } = await factsOf(node);
    expect({ links, leases }).toEqual({ links: ["lo"], leases: [] });
    const one = await attach();
    expect(await status()).toMatchObject({ status: 0, stdout: "" });
    expect(await status({ subnet: undefined })).toMatchObject({ status: 0, stdout: "" });
    await detach(one);
    await assertNothingLeft([node]);
  });

  test("is 50 where there is no such network, or another of that name", async () => {
    expectRefusal(await status({ subnet: undefined }), {
      code: 50,
      says: [
        'Cannot take an ADD now: Cannot use network "web": there is none',
        "network create web",
      ],
    });
    await detach(await attach());
    expectRefusal(await status({ subnet: "10.3.0.0/16" }), {
      code: 50,
      says: ["its subnet is 10.2.0.0/16, not 10.3.0.0/16"],
    });
  });

  test("is 50 where no address is free", async () => {
    const small = { conf: { ...conf, name: "small", subnet: "10.9.0.0/29" } };
    // Six usable ones, less the gateway's and the node's own.
    const containers = [];
    for (let one = 0; one < 4; one += 1) containers.push(await attach(small));
    const full = node.addContainer();
    expectRefusal(await node.cni({ command: "ADD", container: full, ...small }), {
      code: 102,
      says: [
        'Cannot assign an address in network "small": none is free',
        "Remove containers, or use a larger subnet",
      ],
    });
    expectRefusal(await status(small.conf), { code: 50, says: ['network "small" has no free'] });
    expect(await status()).toMatchObject({ status: 0 });
    const [first, ...others] = containers;
    if (first !== undefined) await detach(first, small);
    expect(await status(small.conf)).toMatchObject({ status: 0, stdout: "" });
    for (const other of others) await detach(other, small);
    await assertNothingLeft([node]);
  });

  test("is 51 where containers have addresses that are not this node's any more", async () => {
    const one = await attach();
    const folder = join(node.runDir, "networks/web");
    const block = readdirSync(folder).find((name) => name.includes("@")) ?? "";
    renameSync(join(folder, block), join(folder, `${block}.lost`));
    expectRefusal(await status(), {
      code: 51,
      says: ['Cannot vouch for network "web": a container has an address', one.id, "10.2.0.3"],
    });
    await detach(one);
    expect(await status()).toMatchObject({ status: 0, stdout: "" });
  });

  test("is 7 where the configuration is not valid: no ADD will ever work", async () => {
    expectRefusal(await status({ subnet: "10.2" }), { code: 7, says: ['"subnet" must be'] });
  });
});
