import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  changesIn,
  followDaemon,
  followDatabase,
  type RowChanges,
} from "../../../lib/agent/switch-watch.ts";
import { connectEvented } from "../../../lib/sys/evented-stream.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { until } from "../../lab/until.ts";

const deps = { connect: connectEvented, random: () => 0 };

describe("a real switch", () => {
  let ovs: Ovs;
  let end: AbortController;
  beforeEach(async () => {
    ovs = await startOvs();
    end = new AbortController();
  });
  afterEach(async () => {
    end.abort();
    await ovs.stop();
  });

  test("is noticed when it comes, goes and comes back", async () => {
    const states: string[] = [];
    const path = `${ovs.runDir}/br0.mgmt`;
    const followed = followDaemon(deps, path, (state) => states.push(state), end.signal);
    ovs.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev");
    ovs.vsctl("set", "bridge", "br0", "protocols=OpenFlow15");
    await until("the switch", () => states.at(-1) === "here");
    await ovs.killSwitch();
    await until("its end", () => states.at(-1) === "away");
    await ovs.startSwitch();
    await until("its return", () => states.at(-1) === "here");
    end.abort();
    await followed;
    // What ends with the agent is no news.
    expect(states.at(-1)).toBe("here");
  });

  test("tells of rows of ours, and of nobody else's", async () => {
    const rows: RowChanges[] = [];
    const states: string[] = [];
    const events = {
      rows: (what: RowChanges) => rows.push(what),
      database: (state: string) => states.push(state),
    };
    const followed = followDatabase(deps, `${ovs.runDir}/db.sock`, events, end.signal);
    await until("the database", () => states.at(-1) === "here");
    const add = (port: string, ...more: readonly string[]) =>
      ovs.vsctl("add-port", "br0", port, "--", "set", "interface", port, "type=internal", ...more);
    ovs.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev");
    add("theirs0");
    add("ours0", "external_ids:socketplane=attachment");
    await until("a container's port", () => rows.some(({ attachments }) => attachments));
    rows.length = 0;
    add("ours1", "external_ids:socketplane=gateway");
    await until("a network's port", () => rows.some(({ surroundings }) => surroundings));
    rows.length = 0;
    ovs.vsctl("del-port", "br0", "ours0");
    await until("its end", () => rows.some(({ attachments }) => attachments));
    end.abort();
    await followed;
  });
});

test("of an update, what concerns us", () => {
  const ids = (role: string) => ({ external_ids: ["map", [["socketplane", role]]] as const });
  const change = (table: string, row: object) => changesIn({ [table]: { "1": row } });
  const none = { attachments: false, surroundings: false };
  expect(change("Interface", { new: { external_ids: ["map", []] } })).toEqual(none);
  expect(change("Bridge", { new: { external_ids: ["map", []] } })).toEqual(none);
  expect(change("Interface", { old: ids("attachment") })).toEqual({ ...none, attachments: true });
  expect(change("Interface", { old: {}, new: ids("attachment") })).toEqual({
    ...none,
    surroundings: true,
  });
  for (const [table, role] of [
    ["Interface", "tunnel"],
    ["Interface", "gateway"],
    ["Bridge", "bridge"],
  ] as const) {
    expect(change(table, { old: ids(role) })).toEqual({ ...none, surroundings: true });
  }
});
