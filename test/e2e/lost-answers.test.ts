/** The switch does what it is told, and its answers are lost. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attach, detach } from "../lab/attach.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, LabNode } from "../lab/node.ts";
import { openSwitchWay, type SwitchWay } from "../lab/switch-way.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let node: LabNode;
let way: SwitchWay;
/** Has a command go by that way. */
let byWay: Pick<CniCall, "env">;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  way = await openSwitchWay(node.ovs.runDir, join(lab.folder, "way"));
  lab.onClose(way.close);
  const config = JSON.parse(readFileSync(node.config, "utf8"));
  const path = join(lab.folder, "way.json");
  writeFileSync(path, JSON.stringify({ ...config, ovs: { runDir: way.runDir } }));
  byWay = { env: { SOCKETPLANE_CONFIG: path } };
  // The network's own port and flows are there.
  await detach(node, (await attach(node, node.addContainer(), conf)).container, conf);
});
afterEach(() => lab.close());

/** With meters there are more questions. */
const limited = { ...conf, runtimeConfig: { bandwidth: { egressRate: 8e6, egressBurst: 8e5 } } };

test("to an ADD, at each of its answers: a DEL, or a GC, takes all away", async () => {
  let leftFlows = 0;
  for (const socket of ["sp0.mgmt", "db.sock"] as const) {
    // Until an ADD does not wait for so many.
    for (let lost = 1, isLost = true; isLost; lost += 1) {
      isLost = false;
      way.change((part) => {
        if (part.socket !== socket || part.number !== lost) return undefined;
        isLost = true;
        return { bytes: new Uint8Array(), after: "end" };
      });
      const container = node.addContainer();
      const add = await node.cni({ command: "ADD", conf: limited, container, ...byWay });
      const { flowPorts } = await factsOf(node);
      if (add.status !== 0 && flowPorts.length > 0) leftFlows += 1;
      if (lost % 2 === 0) await detach(node, container, conf);
      else {
        const collected = { ...conf, "cni.dev/valid-attachments": [] };
        expect(await node.cni({ command: "GC", conf: collected })).toMatchObject({ status: 0 });
      }
      await assertNothingLeft([node]);
    }
  }
  // Otherwise nothing was tested.
  expect(leftFlows).toBeGreaterThan(0);
});
