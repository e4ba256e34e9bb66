import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realWorld } from "../../../cmd/world.ts";
import { controlSockets, openControl } from "../../../lib/ovs/control.ts";
import { openFfi } from "../../../lib/sys/ffi-node.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { connect, within } from "./clients.ts";
import { failureOf } from "./recorded.ts";

let ovs: Ovs;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
});
afterAll(async () => {
  await ovs?.stop();
});

const control = () => openControl(connect(ovs.runDir, "ovs-vswitchd.ctl"));

/** As the executables do it. */
function reached(runDir: string): void {
  const io = { env: {}, clock: () => performance.now(), writeStderr: () => {} };
  const client = realWorld(openFfi(), io).openControl(runDir, within());
  expect(client.call("version", [], within())).toContain("Open vSwitch");
  client.close();
}

describe("ovs-vswitchd's control socket", () => {
  test("is asked for a trace, more than once, and says what ovs-appctl says", () => {
    const flow = "in_port=LOCAL,dl_src=02:42:0a:02:00:03,dl_dst=02:42:0a:02:00:04,dl_type=0x9999";
    const client = control();
    const text = client.call("ofproto/trace", ["sp0", flow], within());
    expect(client.call("ofproto/trace", ["sp0", flow], within())).toBe(text);
    client.close();
    expect(text).toContain('bridge("sp0")');
    expect(ovs.appctl("ofproto/trace", "sp0", flow).trim()).toBe(text.trim());
  });

  test("says what it will not do", () => {
    const client = control();
    const failure = failureOf(() => client.call("ofproto/trace", ["nobr", "ip"], within()));
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toContain("nobr: unknown bridge");
    expect(client.call("version", [], within())).toContain("Open vSwitch");
    client.close();
  });

  test("is found by its name with the daemon's pid in it, as a daemon names it by itself", () => {
    const pid = readFileSync(join(ovs.runDir, "ovs-vswitchd.pid"), "utf8");
    const own = `ovs-vswitchd.${pid.trim()}.ctl`;
    renameSync(join(ovs.runDir, "ovs-vswitchd.ctl"), join(ovs.runDir, own));
    try {
      expect(controlSockets(readdirSync(ovs.runDir), pid)).toEqual([own]);
      reached(ovs.runDir);
    } finally {
      renameSync(join(ovs.runDir, own), join(ovs.runDir, "ovs-vswitchd.ctl"));
    }
  });

  test("is found in a folder that is another user's and reached by a symlink, and left as it is", () => {
    const other = 65534;
    const folder = mkdtempSync(join(tmpdir(), "sp-control-"));
    const { uid, gid, mode } = statSync(ovs.runDir);
    try {
      chownSync(ovs.runDir, other, other);
      chmodSync(ovs.runDir, 0o755);
      const before = statSync(ovs.runDir);
      symlinkSync(ovs.runDir, join(folder, "run"));
      reached(join(folder, "run"));
      expect(statSync(ovs.runDir)).toMatchObject({ mode: before.mode, uid: other });
    } finally {
      chownSync(ovs.runDir, uid, gid);
      chmodSync(ovs.runDir, mode);
      rmSync(folder, { recursive: true });
    }
  });

  test("is not there: that is said", () => {
    const folder = mkdtempSync(join(tmpdir(), "sp-control-"));
    try {
      expect(failureOf(() => reached(folder))?.message).toBe("there is no control socket of it");
      expect(failureOf(() => reached(join(folder, "gone")))?.kind).toBe("try-again");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
