/**
 * STATUS with Bun in the executable, which has a quick look first, and with Node, which has none: on
 * one node, whatever is wrong with it, or with what is asked, they say the same.
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { age, freshen } from "../lab/age.ts";
import { attach, codeOf } from "../lab/attach.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, LabNode } from "../lab/node.ts";
import { pathOf, runtimes, said } from "./both.ts";

const head = { cniVersion: "1.1.0", name: "web" };
const web = { ...head, type: "socketplane", subnet: "10.2.0.0/16" };
const webIpam = {
  ...head,
  type: "bridge",
  ipam: { type: "socketplane-ipam", subnet: "10.2.0.0/16" },
};
const calls = {
  socketplane: { conf: web },
  "socketplane-ipam": { conf: webIpam },
};
type Plugin = keyof typeof calls;

/** Four addresses for containers. */
const small = { ...web, name: "small", subnet: "10.9.0.0/29" };

let lab: Lab;
let node: LabNode;
/** The run directory while all is well. */
let kept: string;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  await attach(node, node.addContainer(), web);
  for (let one = 0; one < 4; one += 1) await attach(node, node.addContainer(), small);
  kept = `${node.runDir}-kept`;
  cpSync(node.runDir, kept, { recursive: true });
});
afterAll(() => lab.close());

const mending: (() => void)[] = [];
const mend = () => {
  for (const one of mending.splice(0)) one();
};
afterEach(mend);

const at = (name: string) => join(node.runDir, name);

/** All is well here, and known to be as the store has it. */
function setRight(): void {
  mend();
  rmSync(node.runDir, { recursive: true, force: true });
  cpSync(kept, node.runDir, { recursive: true });
  freshen(node);
}

/** The code that both give. */
async function codeOfBoth(plugin: Plugin, begin: () => void, more: Partial<CniCall> = {}) {
  const answers = [];
  for (const of of runtimes) {
    setRight();
    begin();
    const call = { command: "STATUS", plugin: pathOf(of, plugin), ...calls[plugin] } as const;
    const outcome = await node.cni({ ...call, ...more });
    answers.push({ code: codeOf(outcome), ...said(outcome) });
  }
  const [bun, nodes] = answers;
  expect(bun).toEqual(nodes);
  return bun?.code;
}

const block = () => {
  const found = readdirSync(at("networks/web")).find((name) => name.includes("@"));
  return `networks/web/${found}`;
};
const cache = "networks/web/cache.json";

const elsewhere = (path: string) => {
  renameSync(path, `${path}-elsewhere`);
  mending.push(() => rmSync(`${path}-elsewhere`, { recursive: true }));
};
const toLink = (name: string) => {
  elsewhere(at(name));
  symlinkSync(`${at(name)}-elsewhere`, at(name));
};
const without = (name: string) => rmSync(at(name), { recursive: true });
const toFile = (name: string) => {
  without(name);
  writeFileSync(at(name), "");
};
const rewrite = (from: string, to: string) => {
  const text = readFileSync(at(cache), "utf8");
  expect(text).toContain(from);
  writeFileSync(at(cache), text.replace(from, to));
};
const withoutSocket = (name: string) => {
  const socket = join(node.ovs.runDir, name);
  renameSync(socket, `${socket}-elsewhere`);
  mending.push(() => renameSync(`${socket}-elsewhere`, socket));
};
const hold = (daemon: string) => {
  const pid = Number(readFileSync(join(node.ovs.runDir, `${daemon}.pid`), "utf8"));
  mending.push(() => process.kill(pid, "SIGCONT"));
  process.kill(pid, "SIGSTOP");
};
const withoutStore = () => {
  age(node);
  renameSync(node.storeDir, `${node.storeDir}-elsewhere`);
  mending.push(() => {
    rmSync(node.storeDir, { recursive: true, force: true });
    renameSync(`${node.storeDir}-elsewhere`, node.storeDir);
  });
};

type Fault = readonly [what: string, code: number, begin: () => void];
const folders = ["", "owners", "ports", "networks", "networks/web"].flatMap((name): Fault[] => [
  [`/${name} is a symlink`, 50, () => toLink(name)],
  [`/${name} is a file`, 50, () => toFile(name)],
  [`/${name} is writable by others`, 50, () => chmodSync(at(name), 0o777)],
  [`/${name} is another user's`, 50, () => chownSync(at(name), 65534, 65534)],
  [`/${name} is gone`, 0, () => without(name)],
]);
const ofAddresses: readonly Fault[] = [
  ["nothing", 0, () => {}],
  ...folders,
  ["all is of another boot", 0, () => writeFileSync(at("boot"), "another")],
  ["nobody knows of which boot all is", 0, () => without("boot")],
  ["the boot's name is a symlink", 50, () => toLink("boot")],
  ["the cache is another version's", 0, () => rewrite('"version":2', '"version":1')],
  ["the cache is cut off", 0, () => writeFileSync(at(cache), "{")],
  ["the cache is a symlink", 50, () => toLink(cache)],
  ["the cache is old", 0, () => [age(node), without("fresh")]],
  ["the cache is old, and the store gone", 50, () => [withoutStore(), without("fresh")]],
  ["the network was being deleted", 0, () => rewrite('"vni"', '"deleting":true,"vni"')],
  ["a block's folder is a symlink", 50, () => toLink(block())],
  ["a block's folder is gone", 0, () => without(block())],
  ["a block was lost", 51, () => renameSync(at(block()), at(`${block()}.lost`))],
  ["a block was lost that nobody uses", 0, () => mkdirSync(at("networks/web/x.lost"))],
];
const ofSwitch: readonly Fault[] = [
  ["ovsdb-server is away", 50, () => withoutSocket("db.sock")],
  ["the bridge's socket is away", 50, () => withoutSocket("sp0.mgmt")],
  ["ovsdb-server hangs", 50, () => hold("ovsdb-server")],
  ["ovs-vswitchd hangs", 50, () => hold("ovs-vswitchd")],
];

describe("what is wrong with the node", () => {
  test.each(ofAddresses)("%s: %d of both plugins", async (_, code, begin) => {
    expect(await codeOfBoth("socketplane", begin)).toBe(code);
    expect(await codeOfBoth("socketplane-ipam", begin)).toBe(code);
  });

  test.each(ofSwitch)("%s: %d, but not of addresses", async (_, code, begin) => {
    expect(await codeOfBoth("socketplane", begin)).toBe(code);
    expect(await codeOfBoth("socketplane-ipam", begin)).toBe(0);
  });
});

test.each<readonly [what: string, code: number, more: Partial<CniCall>]>([
  ["no JSON", 6, { conf: '{"cniVersion":"1.1.0",' }],
  ["nothing", 6, { conf: "" }],
  ["more than 16 MiB", 6, { conf: { ...web, args: "x".repeat(17 << 20) } }],
  ["a version without STATUS", 1, { conf: { ...web, cniVersion: "1.0.0" } }],
  ["no name", 7, { conf: { ...web, name: undefined } }],
  ["a slip", 7, { conf: { ...web, subnett: "10.2.0.0/16" } }],
  ["a network of another subnet", 50, { conf: { ...web, subnet: "10.3.0.0/16" } }],
  ["a network that is full", 50, { conf: small }],
  ["another network by its name", 50, { conf: { ...small, name: "cni", network: "small" } }],
  ["no subnet of a network that is there", 0, { conf: { ...web, subnet: undefined } }],
  ["capabilities that are not had", 0, { conf: { ...web, runtimeConfig: { portMappings: [] } } }],
  [
    "an IPAM plugin that is not there",
    7,
    { conf: { ...web, subnet: undefined, ipam: { type: "theirs" } } },
  ],
  ["CNI_ARGS that are none", 0, { args: "=;" }],
  ["a node.json that is not there", 7, { env: { SOCKETPLANE_CONFIG: "/nowhere/node.json" } }],
  ["a node.json that is empty", 7, { env: { SOCKETPLANE_CONFIG: "/dev/null" } }],
])("asked with %s: %d", async (_, code, more) => {
  expect(await codeOfBoth("socketplane", () => {}, more)).toBe(code);
});
