/** The command about nodes, leases and addresses, as people and their scripts call it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { attach, detach } from "../lab/attach.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

/** Types a command line that must succeed; words are apart by single spaces. */
async function shown(line: string): Promise<unknown> {
  const { status, stdout, stderr, json } = await node.socketplane(...line.split(" "));
  expect({ line, status, stderr }).toMatchObject({ line, status: 0 });
  return json ?? stdout;
}

async function refused(line: string): Promise<string> {
  const { status, stdout, stderr } = await node.socketplane(...line.split(" "));
  expect({ line, status, stdout }).toEqual({ line, status: 1, stdout: "" });
  return stderr
    .split("\n")
    .filter((text) => !text.startsWith('{"time":'))
    .join("\n")
    .trim();
}

test("who holds what is told as JSON, and as tables", async () => {
  expect(await shown("node list")).toEqual([]);
  const container = node.addContainer();
  await attach(node, container, conf);
  const [known] = (await shown("node ls")) as { node: string }[];
  const name = known?.node ?? "";
  expect(known).toEqual({ node: name, agent: false, leases: 1 });
  expect(await shown(`node show ${name}`)).toMatchObject({
    node: name,
    leases: ["web 10.2.0.0/26"],
  });
  expect(await shown("lease list")).toEqual([
    { network: "web", prefix: "10.2.0.0/26", node: name },
  ]);
  expect(await shown("lease list --network web")).toHaveLength(1);
  const addresses = await shown("address list");
  expect(addresses).toEqual([
    {
      network: "web",
      address: "10.2.0.2",
      node: name,
      ifname: "sp-web",
      mac: "02:42:0a:02:00:02",
    },
    {
      network: "web",
      address: "10.2.0.3",
      node: name,
      container: container.id,
      ifname: "eth0",
      mac: "02:42:0a:02:00:03",
      name: "web",
    },
  ]);
  expect(await shown("address ls --network web")).toEqual(addresses);
  expect(name).toBe("node");
  expect(await shown("node list -o table")).toBe(
    `NODE  VTEP  AGENT  LEASES  VERSION\nnode  -     no     1       -\n`,
  );
  expect(await shown("lease list -o table")).toBe(
    `NETWORK  PREFIX       NODE\nweb      10.2.0.0/26  ${name}\n`,
  );
  await detach(node, container, conf);
});

test("a machine that is alone does not remove itself from under its containers", async () => {
  const container = node.addContainer();
  await attach(node, container, conf);
  expect(await refused("node remove node")).toMatch(
    /^socketplane: Cannot remove node "node": it is this machine, and alone\n/,
  );
  expect(await shown("lease list")).toHaveLength(1);
  expect(await shown("node remove node --force")).toMatchObject({ removed: true, leases: 1 });
  await detach(node, container, conf);
});

test("a name that is not known is an error, and says where to look", async () => {
  expect(await refused("node show nobody")).toBe(
    'socketplane: Cannot show node "nobody": there is none\n  See which there are: socketplane node list',
  );
  expect(await refused("node remove nobody")).toContain(
    'Cannot remove node "nobody": there is none',
  );
  expect(await refused("lease list --network web")).toContain(
    'Cannot list the leases of network "web": there is none',
  );
  expect(await refused("address list --network web")).toContain(
    'Cannot list the addresses of network "web": there is none',
  );
});

test("what is mistyped is told with what was meant", async () => {
  const meant = async (line: string) => {
    const { status, stderr } = await node.socketplane(...line.split(" "));
    return { status, meant: /did you mean "(.*)"\?/.exec(stderr)?.[1] };
  };
  expect(await meant("nodes list")).toEqual({ status: 2, meant: "node" });
  expect(await meant("node delte a")).toEqual({ status: 2, meant: undefined });
  expect(await meant("node remve a")).toEqual({ status: 2, meant: "remove" });
  expect(await meant("lease lst")).toEqual({ status: 2, meant: "list" });
  expect(await meant("adress list")).toEqual({ status: 2, meant: "address" });
  expect(await meant("node remove a --forse")).toEqual({ status: 2, meant: "--force" });
  expect(await meant("address list --netwrk web")).toEqual({ status: 2, meant: "--network" });
});
