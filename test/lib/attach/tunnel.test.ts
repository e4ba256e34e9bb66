import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureTunnel, tunnelFault, underlayFault } from "../../../lib/attach/tunnel.ts";
import type { Deadline } from "../../../lib/deadline.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";
import { failureOf } from "../ovs/recorded.ts";
import { openTestHost, type TestHost, vtep } from "./host.ts";

let ovs: Ovs;
let on: TestHost;
beforeAll(async () => {
  ovs = await startOvs();
});
afterAll(async () => ovs?.stop());
beforeEach(() => {
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
  on = openTestHost(ovs);
});
afterEach(() => {
  on.close();
  for (const bridge of ovs.vsctl("list-br").split("\n").filter(Boolean))
    ovs.vsctl("del-br", bridge);
});

const local = vtep("192.0.2.1");
const tunnel = (column: string) => ovs.vsctl("get", "interface", "sptunnel", column).trim();

test("the tunnel's port is made under number 1, for all peers and networks", () => {
  ensureTunnel(on.host, local, within());
  expect(tunnel("ofport")).toBe("1");
  expect(tunnel("type")).toBe("vxlan");
  expect(tunnel("options")).toBe('{key=flow, local_ip="192.0.2.1", remote_ip=flow}');
  expect(tunnelFault(on.host, local, within())).toBeUndefined();
});

test("it is left alone when it is right, and made anew when this node's VTEP is another", () => {
  ensureTunnel(on.host, local, within());
  const before = tunnel("_uuid");
  ensureTunnel(on.host, local, within());
  expect(tunnel("_uuid")).toBe(before);
  const moved = { family: 6, address: 0x20010db8000000000000000000000001n } as never;
  expect(tunnelFault(on.host, moved, within())).toBe(
    'port "sptunnel" has local_ip 192.0.2.1, not 2001:db8::1',
  );
  ensureTunnel(on.host, moved, within());
  expect(tunnel("options")).toContain('local_ip="2001:db8::1"');
  expect(tunnel("ofport")).toBe("1");
});

test("what the switch has learnt before there was the port is forgotten, and only then", () => {
  const called: string[] = [];
  const control = { call: (command: string) => called.push(command), close: () => {} };
  const host = { ...on.host, control: () => control as never };
  ensureTunnel(host, local, within());
  expect(called).toEqual(["revalidator/purge"]);
  ensureTunnel(host, local, within());
  expect(called).toHaveLength(1);
});

test("where the switch can't be told to, the port is made all the same, and that is logged", () => {
  const told: unknown[] = [];
  const log = { ...on.host.log, warn: (_: string, about?: object) => told.push(about) };
  const away = () => {
    throw new Error("nobody listens there");
  };
  ensureTunnel({ ...on.host, log, control: away }, local, within());
  expect(tunnelFault(on.host, local, within())).toBeUndefined();
  expect(told).toEqual([{ port: "sptunnel", reason: "nobody listens there" }]);
});

test("nor is a switch waited for that does not say that it has, for long", () => {
  const left: number[] = [];
  const call = (_command: string, _args: unknown, deadline: Deadline) => {
    left.push(deadline.left());
    throw new Error("the time is up");
  };
  const control = () => ({ call, close: () => {} }) as never;
  ensureTunnel({ ...on.host, control }, local, within());
  expect(left).toHaveLength(1);
  expect(left[0]).toBeLessThanOrEqual(2_000);
});

test("the kernel's datapath has nothing of the kind to forget, and other bridges are left alone", () => {
  const control = () => {
    throw new Error("asked");
  };
  const told: unknown[] = [];
  const log = { ...on.host.log, warn: (message: string) => told.push(message) };
  const database: typeof on.host.database = (deadline) => {
    const real = on.host.database(deadline);
    const transact: typeof real.transact = (operations, until) =>
      real.transact(operations, until).map((result) => ({
        ...result,
        // As "system" is written there.
        rows: (result.rows ?? []).map((row) => ({ ...row, datapath_type: "" })),
      }));
    return { ...real, transact };
  };
  ensureTunnel({ ...on.host, log, control, database }, local, within());
  expect(tunnelFault(on.host, local, within())).toBeUndefined();
  expect(told).toEqual([]);
});

test("one that is on another bridge comes to ours", () => {
  ovs.vsctl("add-br", "sp1", "--", "set", "bridge", "sp1", "datapath_type=netdev");
  ovs.vsctl("add-port", "sp1", "sptunnel", "--", "set", "interface", "sptunnel", "type=vxlan");
  ensureTunnel(on.host, local, within());
  expect(ovs.vsctl("list-ports", "sp0")).toContain("sptunnel");
  expect(tunnelFault(on.host, local, within())).toBeUndefined();
});

test("where another port has its number it is refused, with the remedy, and nothing is left", () => {
  const taken = ["type=internal", "ofport_request=1"];
  ovs.vsctl("add-port", "sp0", "theirs", "--", "set", "interface", "theirs", ...taken);
  const failure = failureOf(() => ensureTunnel(on.host, local, within()));
  expect(failure?.kind).toBe("switch-refused");
  expect(failure?.message).toBe(
    'Cannot make port "sptunnel": port number 1 of bridge "sp0" is another port\'s',
  );
  expect(failure?.details).toContain("ofport_request=2");
  expect(ovs.vsctl("list-ports", "sp0")).toBe("theirs\n");
});

test("on the userspace datapath it is a fault that the VTEP is on no bridge", () => {
  expect(underlayFault(on.host, "eth0", within())).toContain('the VTEP is on link "eth0"');
  ovs.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev");
  expect(underlayFault(on.host, "br-phy", within())).toBeUndefined();
  // As one that was put into a bridge, and has kept its address.
  ovs.vsctl("add-port", "br-phy", "eth0", "--", "set", "interface", "eth0", "type=dummy");
  expect(underlayFault(on.host, "eth0", within())).toContain("a port of a bridge, and none itself");
});

test("on the kernel's datapath it is none", () => {
  // The row only: this switch has no such datapath.
  ovs.vsctl("--no-wait", "set", "bridge", "sp0", "datapath_type=system");
  expect(underlayFault(on.host, "eth0", within())).toBeUndefined();
  ovs.vsctl("--no-wait", "set", "bridge", "sp0", "datapath_type=netdev");
});
