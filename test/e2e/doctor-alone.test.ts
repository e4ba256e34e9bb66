/** doctor where there is little: a machine alone, nothing installed, a node.json that can't be read. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attach } from "../lab/attach.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables, type LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

interface Said {
  readonly state: string;
  readonly findings: readonly {
    readonly id: string;
    readonly state: string;
    readonly seen: string;
  }[];
}

let lab: Lab;
let node: LabNode;
let conf: string;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode({ name: "alone" });
  // The last that a switch writes down of itself when it starts; its database's file is looked at.
  node.ovs.vsctl("wait-until", "Open_vSwitch", ".", "dpdk_version=none");
  conf = join(lab.folder, "net.d");
  mkdirSync(conf);
  const list = { cniVersion: "1.1.0", name: "web", plugins: [web] };
  writeFileSync(join(conf, "10-web.conflist"), JSON.stringify(list));
});
afterAll(() => lab?.close());

async function doctor(...more: readonly string[]) {
  const bin = executables.replace(/\/$/, "");
  const places = ["--cni-bin", bin, "--cni-conf", conf];
  const { status, json } = await node.socketplane("doctor", ...places, ...more);
  const said = json as Said;
  const faults = said.findings.filter(({ state }) => state === "broken" || state === "warning");
  return { status, said, faults: faults.map(({ id }) => id) };
}

/** All files of the node, and what they are. */
const files = () => must({ argv: ["find", dirname(node.config), "-printf", "%p %i %m %s %T@\n"] });

test("nothing is made or changed by looking, before and after the first container", async () => {
  rmSync(node.runDir, { recursive: true, force: true });
  const before = await files();
  expect(await doctor()).toMatchObject({ status: 0, faults: [] });
  expect(await files()).toBe(before);
  await attach(node, node.addContainer(), web);
  const after = await files();
  expect(await doctor()).toMatchObject({ status: 0, faults: [] });
  expect(await files()).toBe(after);
});

test("where nothing is installed, it says what to do first", async () => {
  const nowhere = join(lab.folder, "nowhere");
  const { status, faults } = await doctor("--cni-bin", nowhere, "--cni-conf", nowhere);
  expect({ status, faults }).toEqual({ status: 2, faults: ["files.programs", "files.lists"] });
  const shown = await node.socketplane("doctor", "--cni-bin", nowhere, "-o", "table");
  expect(shown.stdout).toMatch(/Begin with files\.programs: socketplane install --cni-bin .*\n$/);
});

test("folders are named from the working directory, too", async () => {
  const { status, faults } = await doctor("--cni-conf", relative(process.cwd(), conf));
  expect({ status, faults }).toEqual({ status: 0, faults: [] });
});

test("a node.json that can't be read is the one fault that is told", async () => {
  const good = readFileSync(node.config, "utf8");
  writeFileSync(node.config, `${good.slice(0, -1)}, }`);
  try {
    const { status, faults, said } = await doctor();
    expect({ status, faults }).toEqual({ status: 2, faults: ["files.node-json"] });
    expect(said.findings.find(({ id }) => id === "files.node-json")?.seen).toMatch(
      /it is not JSON: line 1, column \d+: a key is expected$/,
    );
  } finally {
    writeFileSync(node.config, good);
  }
});
