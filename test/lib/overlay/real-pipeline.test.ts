/** The pipeline in a real switch: printed by ovs-ofctl, and traced through its tables. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatIp4, type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { formatMac, type Mac, macOfIp4, parseMac } from "../../../lib/net/mac.ts";
import { type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { allFlows } from "../../../lib/overlay/pipeline.ts";
import type { SwitchState } from "../../../lib/overlay/state.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { flowsOf, within } from "../ovs/clients.ts";

const ip = (text: string) => parseIp4(text) as Ip4;
const prefix = (text: string) => parsePrefix4(text) as Prefix4;
const vtep = (text: string) => ({ family: 4, address: ip(text) }) as const;
const odd = parseMac("0e:00:00:00:00:07") as Mac;

const attachments = Array.from({ length: 8 }, (_, at) => {
  const address = ip(`10.2.0.${10 + at}`);
  return { vni: 100, ofport: 30 + at, address, address6: undefined, mac: macOfIp4(address) };
});
const state: SwitchState = {
  networks: [
    {
      vni: 100,
      subnet: prefix("10.2.0.0/16"),
      subnet6: parsePrefix6("fd00:2::/64") as Prefix6,
      gateway: ip("10.2.0.1"),
      blockLength: 26,
      port: { ofport: 20, address: ip("10.2.0.2") },
      leases: [prefix("10.2.0.0/26")],
      tunnel: { ofport: 1, local: vtep("192.0.2.1") },
      peers: { count: 3, digest: 7 },
      peerLeases: [
        { prefix: prefix("10.2.0.64/26"), vtep: vtep("192.0.2.2") },
        { prefix: prefix("10.2.0.128/26"), vtep: vtep("192.0.2.3") },
        { prefix: prefix("10.2.9.7/32"), vtep: vtep("192.0.2.3"), mac: odd },
      ],
    },
  ],
  attachments,
};

let ovs: Ovs;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl(
    ...["add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev"],
    ...["fail_mode=secure", "protocols=OpenFlow10,OpenFlow15"],
  );
  const options = ["options:remote_ip=flow", "options:key=flow", "options:local_ip=192.0.2.1"];
  addPort("sptunnel", 1, ["type=vxlan", ...options]);
  for (const number of [20, 30, 31]) addPort(`p${number}`, number, ["type=internal"]);
  const flows = flowsOf(ovs.runDir, "sp0");
  const changes = allFlows(state).map((flow) => ({ do: "add", flow }) as const);
  flows.stage(changes, within()).commit(within());
  flows.close();
});
afterAll(async () => ovs?.stop());

function addPort(name: string, number: number, settings: readonly string[]): void {
  const set = ["--", "set", "interface", name, `ofport_request=${number}`, ...settings];
  ovs.vsctl("add-port", "sp0", name, ...set);
}

/** How the switch would treat a frame: what it says at the end. */
function trace(frame: Readonly<Record<string, string>>): { megaflow: string; actions: string } {
  const text = Object.entries(frame).map(([field, value]) => (value ? `${field}=${value}` : field));
  const said = ovs.appctl("ofproto/trace", "sp0", text.join(","));
  const [, megaflow = ""] = /^Megaflow: (.*)$/m.exec(said) ?? [];
  // Where to, by what the OpenFlow tables say: the tunnel's own way is the routing table's.
  return { megaflow, actions: said.slice(0, said.indexOf("Final flow")) };
}

const fromContainer = (to: string, kind: Readonly<Record<string, string>>) => ({
  in_port: "30",
  dl_src: "02:42:0a:02:00:0a",
  dl_dst: to,
  ...kind,
});
const fromTunnel = (tunnel: string, from: string, to: string) => ({
  in_port: "1",
  tun_id: "100",
  tun_src: tunnel,
  tun_dst: "192.0.2.1",
  dl_src: from,
  dl_dst: to,
  ip: "",
});

test("is what ovs-ofctl prints of it", () => {
  const printed = ovs
    .ofctl("--no-stats", "dump-flows", "sp0")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("actions="));
  expect(printed.sort()).toEqual(allFlows(state).map(formatFlow).sort());
});

test("one megaflow serves all destinations on a node, however many containers are here", () => {
  const remote = Array.from({ length: 64 }, (_, at) => ip(`10.2.0.${64 + at}`));
  const megaflows = remote.map((address) => {
    const to = { ip: "", nw_src: "10.2.0.10", nw_dst: formatIp4(address) };
    return trace(fromContainer(formatMac(macOfIp4(address)), to)).megaflow;
  });
  expect(megaflows).toHaveLength(64);
  expect(new Set(megaflows).size).toBe(1);
  expect(megaflows[0]).toContain("dl_dst=02:42:0a:02:00:40/");
});

test("asks for the address of another node's container there, and for one with its own MAC", () => {
  const ask = (address: string) =>
    trace(
      fromContainer("ff:ff:ff:ff:ff:ff", {
        arp: "",
        arp_op: "1",
        arp_spa: "10.2.0.10",
        arp_sha: "02:42:0a:02:00:0a",
        arp_tpa: address,
      }),
    ).actions;
  expect(ask("10.2.0.70")).toMatch(/set_field:192\.0\.2\.2->tun_dst/);
  const asked = ask("10.2.9.7");
  expect(asked).toMatch(/set_field:0e:00:00:00:00:07->eth_dst/);
  expect(asked).toMatch(/set_field:192\.0\.2\.3->tun_dst/);
  expect(ask("10.2.9.8")).not.toMatch(/tun_dst/);
});

test("lets a tunnel's frame out at one port of this node, and nowhere else", () => {
  const [here, there] = ["02:42:0a:02:00:0a", "02:42:0a:02:00:80"];
  const honest = trace(fromTunnel("192.0.2.2", "02:42:0a:02:00:46", here)).actions;
  expect(honest).toMatch(/output:30$/m);
  for (const [tunnel, from, to] of [
    ["192.0.2.3", "02:42:0a:02:00:46", here],
    ["192.0.2.2", "02:42:0a:02:00:46", there],
    ["192.0.2.2", formatMac(odd), here],
  ] as const) {
    expect(trace(fromTunnel(tunnel, from, to)).actions).not.toMatch(/output/);
  }
  expect(trace(fromTunnel("192.0.2.3", formatMac(odd), here)).actions).toMatch(/output:30$/m);
});
