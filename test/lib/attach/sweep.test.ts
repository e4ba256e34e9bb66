import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Host } from "../../../lib/attach/host.ts";
import { outerName } from "../../../lib/attach/names.ts";
import { lockAttachment } from "../../../lib/attach/node.ts";
import { sweepGone } from "../../../lib/attach/sweep.ts";
import { find, listAssignments } from "../../../lib/ipam/assignments.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import type { Link, Links } from "../../../lib/sys/kernel.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";
import { openTestHost, type TestHost } from "./host.ts";

const gone = { name: "web", containerId: "gone", ifname: "eth0" };
const living = { name: "web", containerId: "living", ifname: "eth0" };
const foreign = { name: "web", containerId: "foreign", ifname: "eth0" };

let ovs: Ovs;
let on: TestHost;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl(
    ...["add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev"],
    ...["protocols=OpenFlow10,OpenFlow15"],
  );
});
afterAll(async () => ovs?.stop());
beforeEach(async () => {
  on = openTestHost(ovs);
  const { stored, blocks } = await on.hold([]);
  const { dirs } = on.host.ipam;
  for (const id of [gone, living]) {
    assign(dirs, { id, network: stored.network, blocks, port: "give", workload: {} });
  }
  // Under another interface plugin: there is no link of ours to tell by.
  assign(dirs, { id: foreign, network: stored.network, blocks, port: "none", workload: {} });
});
afterEach(() => on.close());

/** The node with these links in its namespace. */
function withLinks(names: readonly string[]): Host {
  const list = names.map((name, at) => ({ name, index: at + 1 }) as Link);
  const links: Partial<Links> = {
    list: () => list,
    get: (name) => list.find((one) => one.name === name),
  };
  return { ...on.host, links: () => links as Links };
}
const here = () => withLinks(["sp0", outerName(living)]);
const left = () =>
  listAssignments(on.host.ipam.dirs)
    .map(({ id }) => id.containerId)
    .sort();
const all = ["foreign", "gone", "living", "web"];

test("what a container has left is given back, and nobody else's", () => {
  expect(sweepGone(here(), within())).toEqual([gone]);
  expect(left()).toEqual(all.filter((one) => one !== "gone"));
  expect(sweepGone(here(), within())).toEqual([]);
});

test("one that a command is at work on is left to that", () => {
  const unlock = lockAttachment(on.host, gone, within());
  expect(sweepGone(here(), within())).toEqual([]);
  unlock();
  expect(find(on.host.ipam.dirs, gone)).toBeDefined();
  expect(sweepGone(here(), within())).toEqual([gone]);
});

test("in another network namespace than the switch's nothing is", () => {
  expect(sweepGone(withLinks([]), within())).toEqual([]);
  expect(left()).toEqual(all);
});
