/** CHECK finds what is gone or changed and names it; DEL copes with it, and the next ADD mends it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshen } from "../lab/age.ts";
import { type AssignmentFact, factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip, must } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
  ipam: { type: "socketplane-ipam", routes: [{ dst: "192.0.2.0/24" }] },
};

/** An attachment that is whole, and what it is made of. */
interface Attached {
  readonly container: Container;
  readonly result: unknown;
  readonly assignment: AssignmentFact;
  /** The host's end of its link, which is its port too. */
  readonly outer: string;
  /** Runs ip(8) in the container. */
  readonly inside: (...argv: readonly string[]) => string;
}

let lab: Lab;
let node: LabNode;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterAll(() => lab.close());

const cni = (command: CniCall["command"], { container }: Pick<Attached, "container">, more = {}) =>
  node.cni({ command, container, conf: { ...conf, ...more } });

async function attach(): Promise<Attached> {
  const container = node.addContainer();
  const { json, stdout, status } = await cni("ADD", { container });
  expect(status, stdout).toBe(0);
  const { taken } = await factsOf(node);
  const assignment = taken.find(({ containerId }) => containerId === container.id);
  if (assignment === undefined) throw new Error("no address was assigned");
  const outer = (json as { interfaces: { name: string }[] }).interfaces[0]?.name ?? "";
  const inside = (...argv: readonly string[]) => ip("-n", container.netns, ...argv);
  return { container, result: json, assignment, outer, inside };
}

const inRunDir = (file: string): string => join(node.runDir, file);
const cookieOf = ({ assignment }: Attached): string =>
  `cookie=0x535003${assignment.ofport?.toString(16).padStart(10, "0")}/-1`;

describe("it finds", () => {
  type Act = (broken: Attached) => unknown;
  test.each<[string, Act, (broken: Attached) => readonly string[], Act?]>([
    [
      "the interface gone",
      ({ inside }) => inside("link", "delete", "eth0"),
      ({ outer }) => ['interface "eth0" is gone', `link "${outer}" is gone`],
    ],
    [
      "the interface renamed",
      ({ inside }) => {
        inside("link", "set", "eth0", "down");
        inside("link", "set", "eth0", "name", "eth9");
      },
      () => ['interface "eth0" is gone'],
    ],
    [
      "the interface down",
      ({ inside }) => inside("link", "set", "eth0", "down"),
      () => ['interface "eth0" is down', "the route to 0.0.0.0/0 is gone"],
    ],
    [
      "the MTU changed",
      ({ inside }) => inside("link", "set", "eth0", "mtu", "1300"),
      () => ["the MTU is 1300, not 1450"],
    ],
    [
      "the MAC changed",
      ({ inside }) => inside("link", "set", "eth0", "address", "02:00:00:00:00:09"),
      ({ assignment }) => [`the MAC is 02:00:00:00:00:09, not ${assignment.mac}`],
    ],
    [
      "the IPv4 address gone",
      ({ inside, assignment }) =>
        inside("address", "delete", `${assignment.address}/16`, "dev", "eth0"),
      ({ assignment }) => [`address ${assignment.address}/16 is gone`],
    ],
    [
      "the IPv6 addresses gone",
      ({ inside }) => inside("-6", "address", "flush", "dev", "eth0"),
      () => ["address fd00:2::a02:", "address fe80::a02:"],
    ],
    [
      "the default route gone",
      ({ inside }) => inside("route", "delete", "default"),
      () => ["the route to 0.0.0.0/0 is gone"],
    ],
    [
      "the default route changed",
      ({ inside }) => inside("route", "replace", "default", "via", "10.2.0.9"),
      () => ["the route to 0.0.0.0/0 is gone"],
    ],
    [
      "a route gone that was asked for",
      ({ inside }) => inside("route", "delete", "192.0.2.0/24"),
      () => ["the route to 192.0.2.0/24 is gone"],
    ],
    [
      "the host's end down",
      ({ outer }) => ip("-n", node.netns, "link", "set", outer, "down"),
      ({ outer }) => [`link "${outer}" is down`],
    ],
    [
      "the port gone",
      ({ outer }) => node.ovs.vsctl("del-port", outer),
      ({ outer }) => [`port "${outer}" is gone from the switch`],
    ],
    [
      "the port on another bridge",
      ({ outer }) =>
        node.ovs.vsctl(
          ...["add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=netdev"],
          ...["--", "del-port", outer, "--", "add-port", "br1", outer],
        ),
      ({ outer }) => [`port "${outer}" is on another bridge than "sp0"`],
    ],
    [
      "its flows gone",
      (broken) => node.ovs.ofctl("del-flows", "sp0", cookieOf(broken)),
      () => ["the switch has 0 of its "],
    ],
    [
      "one of its flows gone",
      (broken) => node.ovs.ofctl("del-flows", "sp0", `${cookieOf(broken)},table=40`),
      () => ["the switch has ", " of its "],
    ],
    [
      "its assignment gone",
      ({ container, assignment }) => {
        const files = [`owners/web:${container.id}:eth0`, `ports/${assignment.ofport}`];
        for (const file of [...files, assignment.file]) rmSync(inRunDir(file));
      },
      () => ["it has no address assigned"],
    ],
    [
      "its address no longer its own",
      ({ assignment }) => rmSync(inRunDir(assignment.file)),
      ({ assignment }) => [`address ${assignment.address} is no longer assigned to it`],
    ],
    [
      "its address another's",
      ({ assignment }) => {
        const file = inRunDir(assignment.file);
        const theirs = { ...JSON.parse(readFileSync(file, "utf8")), containerId: "another" };
        // Not through its other names, which it shares with the file.
        rmSync(file);
        writeFileSync(file, JSON.stringify(theirs));
      },
      ({ assignment }) => [`address ${assignment.address} is no longer assigned to it`],
      ({ assignment }) => rmSync(inRunDir(assignment.file)),
    ],
    [
      "its lease lost",
      ({ assignment }) => {
        const block = dirname(inRunDir(assignment.file));
        renameSync(block, `${block}.lost`);
        // Who reads the store finds that it is this node's all the same, and puts that right.
        freshen(node);
      },
      ({ assignment }) => [`address ${assignment.address} is no longer assigned to it`],
      () => rmSync(inRunDir("fresh")),
    ],
    [
      "the gateway gone",
      () => node.ovs.vsctl("del-port", "sp-web"),
      () => ['the gateway of network "web" is gone'],
    ],
    [
      "the gateway down",
      () => ip("-n", node.netns, "link", "set", "sp-web", "down"),
      () => ['the gateway of network "web" is down'],
    ],
    [
      "the gateway's addresses gone",
      () => ip("-n", node.netns, "address", "flush", "dev", "sp-web"),
      () => ['address 10.2.0.1/32 of the gateway of network "web" is gone'],
    ],
    [
      "the firewall's rules gone",
      () => must({ netns: node.netns, argv: ["nft", "flush", "ruleset"] }),
      () => [
        'the firewall does not know network "web": nothing keeps it apart from other networks, nor masquerades what leaves it',
      ],
    ],
    [
      "all flows gone",
      () => node.ovs.ofctl("del-flows", "sp0"),
      () => ["the switch has 0 of its", 'the switch has no flows of network "web"'],
    ],
  ])("%s", async (_, breakIt, says, tidyUp = () => undefined) => {
    const broken = await attach();
    const { result, container } = broken;
    expect(await cni("CHECK", broken, { prevResult: result })).toMatchObject({
      status: 0,
      stdout: "",
    });
    await breakIt(broken);
    expectRefusal(await cni("CHECK", broken, { prevResult: result }), {
      code: 104,
      says: [`Cannot confirm "eth0" of container ${container.id}: `, ...says(broken)],
    });
    expect(await cni("DEL", broken)).toMatchObject({ status: 0, stdout: "" });
    await tidyUp(broken);
    await mendByAdding();
  });

  test("the result of another attachment", async () => {
    const [one, other] = [await attach(), await attach()];
    expectRefusal(await cni("CHECK", one, { prevResult: other.result }), {
      code: 104,
      says: [`prevResult does not have it with ${one.assignment.address}`],
    });
    for (const each of [one, other]) {
      expect(await cni("CHECK", each, { prevResult: each.result })).toMatchObject({ status: 0 });
      expect(await cni("DEL", each)).toMatchObject({ status: 0 });
    }
    await assertNothingLeft([node]);
  });
});

test("it is content with what plugins after us have added", async () => {
  const one = await attach();
  one.inside("address", "add", "198.51.100.7/32", "dev", "eth0");
  one.inside("route", "add", "203.0.113.0/24", "via", "10.2.0.1");
  one.inside("link", "set", "eth0", "txqueuelen", "77");
  const result = one.result as { interfaces: object[]; ips: object[]; routes: object[] };
  const prevResult = {
    ...result,
    interfaces: [...result.interfaces, { name: "ifb0" }],
    ips: [...result.ips, { address: "198.51.100.7/32", interface: 1 }],
    routes: [...result.routes, { dst: "203.0.113.0/24", gw: "10.2.0.1" }],
  };
  expect(await cni("CHECK", one, { prevResult })).toMatchObject({ status: 0, stdout: "" });
  expect(await cni("DEL", one)).toMatchObject({ status: 0 });
  await assertNothingLeft([node]);
});

/** Whatever is broken on the node, the next ADD makes it whole. */
async function mendByAdding(): Promise<void> {
  node.ovs.vsctl("--if-exists", "del-br", "br1");
  // ADD looks at the network's link, and at its addresses only where that is down.
  const { links } = await factsOf(node);
  if (links.includes("sp-web")) ip("-n", node.netns, "link", "set", "sp-web", "down");
  const whole = await attach();
  await assertSound([node]);
  expect(await ping(whole.container.netns, "10.2.0.1")).toBe(true);
  const checked = await cni("CHECK", whole, { prevResult: whole.result });
  expect(checked.status, checked.stdout).toBe(0);
  expect(await cni("DEL", whole)).toMatchObject({ status: 0 });
  await assertNothingLeft([node]);
}
