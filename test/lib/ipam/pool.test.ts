/** What of one attachment must never touch another's. */
import { expect, test } from "vitest";
import type { Assignment, AttachmentId, HeldBlock } from "../../../lib/ipam/assignment.ts";
import { formatAssignment, ownerName } from "../../../lib/ipam/assignment.ts";
import {
  find,
  heldPort,
  isHeld,
  listAssignments,
  siblings,
} from "../../../lib/ipam/assignments.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import { release, restore } from "../../../lib/ipam/release.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import { type IpamLab, ipamLab } from "./lab.ts";

const subnet = parsePrefix4("10.9.0.0/24") as Prefix4;
const network = completeNetwork({ name: "web", subnet }, 1);
const block: HeldBlock = { prefix: parsePrefix4("10.9.0.0/30") as Prefix4, revision: 7 };
const larger: HeldBlock = { prefix: parsePrefix4("10.9.0.0/28") as Prefix4, revision: 7 };

const id = (containerId: string, ifname = "eth0"): AttachmentId => ({
  name: "web",
  containerId,
  ifname,
});

function give({ dirs }: IpamLab, who: AttachmentId, held = larger): Assignment {
  dirs.networks.make("web").make(`10.9.0.0-${held.prefix.length}@7`).close();
  const given = assign(dirs, { id: who, network, blocks: [held], port: "give", workload: {} });
  if (given.outcome !== "assigned") throw new Error(given.outcome);
  return given.assignment;
}

test("an interface's name that ends like a temporary one is no temporary", () => {
  const lab = ipamLab();
  const odd = give(lab, id("c", "eth0.new"));
  const plain = give(lab, id("c"));
  expect(find(lab.dirs, odd.id)).toEqual(odd);
  release(lab.dirs, plain.id);
  release(lab.dirs, odd.id);
  expect(listAssignments(lab.dirs)).toEqual([]);
  expect(lab.dirs.ports.list()).toEqual([]);
  expect(isHeld(lab.dirs, odd)).toBe(false);
});

test("a port number that an ADD wrote down and did not get is not its own", () => {
  const lab = ipamLab();
  const first = give(lab, id("a"));
  const killed = { ...first, id: id("b") };
  lab.dirs.owners.create(ownerName(killed.id), formatAssignment(killed));
  expect(heldPort(lab.dirs, first)).toBe(first.ofport);
  expect(heldPort(lab.dirs, killed)).toBeUndefined();
  release(lab.dirs, killed.id);
  expect(heldPort(lab.dirs, first)).toBe(first.ofport);
  expect(isHeld(lab.dirs, first)).toBe(true);
});

test("another interface of the container in the network is found, in no other", () => {
  const lab = ipamLab();
  const first = give(lab, id("a"));
  expect(siblings(lab.dirs, id("a", "eth1"), "web")).toEqual([first]);
  expect(siblings(lab.dirs, id("a", "eth1"), "db")).toEqual([]);
  expect(siblings(lab.dirs, id("a"), "web")).toEqual([]);
  expect(siblings(lab.dirs, id("b", "eth1"), "web")).toEqual([]);
  give(lab, { name: "@node", containerId: "web", ifname: "sp-web" });
  expect(siblings(lab.dirs, id("web"), "web")).toEqual([]);
});

test("what was lost is written down again, over its own remains, and never over another's", () => {
  const lab = ipamLab();
  const lost = give(lab, id("a"));
  lab.dirs.owners.remove(ownerName(lost.id));
  expect(restore(lab.dirs, lost)).toBe(true);
  expect(find(lab.dirs, lost.id)).toEqual(lost);
  expect(restore(lab.dirs, { ...lost, id: id("thief") })).toBe(false);
  expect(isHeld(lab.dirs, lost)).toBe(true);
  expect(find(lab.dirs, id("thief"))).toBeUndefined();
});

test("looking leaves no descriptor open", async () => {
  const { readdirSync } = await import("node:fs");
  const lab = ipamLab();
  const given = give(lab, id("a"), block);
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let look = 0; look < 50; look += 1) {
    isHeld(lab.dirs, given);
    const wish = {
      id: id(`b${look}`),
      network,
      blocks: [block],
      port: "none",
      workload: {},
    } as const;
    assign(lab.dirs, wish);
    assign(lab.dirs, { ...wish, id: id("late"), address: given.address });
  }
  expect(open()).toBeLessThanOrEqual(before + 1);
});
