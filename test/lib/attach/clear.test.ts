import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { attachedHere, clearSwitch, detachAll } from "../../../lib/attach/clear.ts";
import type { Host } from "../../../lib/attach/host.ts";
import { ensureTunnel } from "../../../lib/attach/tunnel.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";
import { openTestHost, type TestHost, vtep } from "./host.ts";

let ovs: Ovs;
let on: TestHost;
let host: Host;
let firewall: string[];
beforeAll(async () => {
  ovs = await startOvs();
});
afterAll(async () => ovs?.stop());
beforeEach(() => {
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
  ovs.vsctl("set", "bridge", "sp0", "external_ids:socketplane=bridge");
  on = openTestHost(ovs);
  firewall = [];
  // The test process is in the machine's own namespace, whose firewall is left alone.
  const removeAll = () => void firewall.push("removed");
  host = { ...on.host, filter: async () => ({ removeAll, close: () => {} }) as never };
});
afterEach(() => {
  on.close();
  for (const bridge of ovs.vsctl("list-br").split("\n").filter(Boolean))
    ovs.vsctl("del-br", bridge);
});

test("a bridge with ports of ours alone goes, and the firewall's tables with it", async () => {
  ensureTunnel(host, vtep("192.0.2.1"), within());
  ovs.vsctl("add-port", "sp0", "sp-web", "--", "set", "interface", "sp-web", "type=internal");
  await clearSwitch(host, within());
  expect(ovs.vsctl("list-br")).toBe("");
  expect(firewall).toEqual(["removed"]);
  await clearSwitch(host, within());
});

test("one with somebody else's port stays, with that", async () => {
  ensureTunnel(host, vtep("192.0.2.1"), within());
  ovs.vsctl("add-port", "sp0", "theirs", "--", "set", "interface", "theirs", "type=internal");
  await clearSwitch(host, within());
  expect(ovs.vsctl("list-ports", "sp0")).toBe("theirs\n");
});

test("one that nobody has handed over is left alone", async () => {
  ovs.vsctl("remove", "bridge", "sp0", "external_ids", "socketplane");
  await clearSwitch(host, within());
  expect(ovs.vsctl("list-br")).toBe("sp0\n");
});

test("attachments are containers', with a port or an address alone, and all can be taken away", async () => {
  const { stored, blocks } = await on.hold([]);
  const { network } = stored;
  const id = (containerId: string) => ({ name: "web", containerId, ifname: "eth0" });
  const of = (containerId: string, port: "give" | "none") =>
    assign(host.ipam.dirs, { id: id(containerId), network, blocks, port, workload: {} });
  of("with-port", "give");
  of("address-alone", "none");
  const here = attachedHere(host, within());
  expect(here.map(({ containerId }) => containerId).sort()).toEqual(["address-alone", "with-port"]);
  detachAll(host, here, within());
  expect(attachedHere(host, within())).toEqual([]);
});
