/** The demo's chapters: what is done in each, and what has to be seen. */
import type { Agent } from "../lab/agent.ts";
import { type Attached, attachedBy, codeOf, done } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import type { Lab } from "../lab/lab.ts";
import { arping, ping, reaches } from "../lab/probe.ts";
import { pingSteadily } from "../lab/steady.ts";
import { until } from "../lab/until.ts";
import { draw } from "./draw.ts";
import { eth0Of, lookAt, type Placed, shortName } from "./look.ts";
import type { Story } from "./story.ts";
import { http, sourceSeenOutside } from "./traffic.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
const db = { cniVersion: "1.1.0", name: "db", type: "socketplane", subnet: "10.3.0.0/16" };
const quiet = { config: { logLevel: "error" } };

/** The chapters after the first, in their order. */
export interface Telling {
  readonly containers: () => Promise<void>;
  readonly traffic: () => Promise<void>;
  readonly nodesComeAndGo: () => Promise<void>;
  readonly takeAway: () => Promise<void>;
}

/** Tells the first chapter: three machines and what they share. */
export async function openTelling(story: Story, lab: Lab): Promise<Telling> {
  story.chapter(
    "Three machines",
    "Network namespaces, each with an Open vSwitch of its own; nothing of yours is touched.",
  );
  const cluster = await startCluster(lab, { nodes: 0 });
  const [a, b, c] = [
    await cluster.addNode(quiet),
    await cluster.addNode(quiet),
    await cluster.addNode(quiet),
  ];
  story.seen(
    "they share a network and an etcd, and nothing else",
    (await reaches(a.netns, b.vtep)) && (await reaches(b.netns, c.vtep)),
    `${a.vtep}, ${b.vtep} and ${c.vtep}; etcd at ${cluster.etcd.endpoints[0]}`,
  );
  story.command("socketplane agent run");
  const agents = await Promise.all([a, b, c].map((node) => node.startAgent()));
  const health = await Promise.all(agents.map((agent) => agent.ask("/healthz")));
  story.seen(
    "each runs its agent, which says that it is well",
    health.every((said) => said !== undefined),
    "/healthz",
  );
  await operator(story, a, "node", "list");

  const placed: Placed[] = [];
  const place = async (
    node: ClusterNode,
    label: string,
    conf: typeof web,
    telling: "whole" | "short",
  ): Promise<Placed> => {
    const attached = await attach(story, node, label, conf, telling);
    const one = { node, network: conf.name, attached };
    placed.push(one);
    return one;
  };
  const [ofWeb, ofDb] = [
    () => placed.filter(({ network }) => network === "web"),
    () => placed.filter(({ network }) => network === "db"),
  ];

  return {
    containers: async () => {
      story.chapter("Two networks", "One made by hand, one on its first use by the configuration.");
      await operator(story, a, "network", "create", "web", "10.2.0.0/16");
      story.chapter("Containers", "Each attached as a runtime does it: environment and stdin.");
      await place(a, "web-1", web, "whole");
      await place(b, "web-2", web, "short");
      await place(c, "web-3", web, "short");
      await place(a, "db-1", db, "short");
      await place(c, "db-2", db, "short");
      story.chapter("What there is now", "Read back from the kernel and from etcd.");
      await assertClusterSound(cluster);
      story.show(draw(await lookAt(cluster, placed)));
      await operator(story, b, "address", "list");
    },
    traffic: async () => {
      story.chapter("Who reaches whom", "Each tried for real, with ping, ARP and HTTP.");
      await showReach(story, cluster, ofWeb(), ofDb());
      await showOutside(story, lab, a, ofWeb());
    },
    nodesComeAndGo: async () => {
      const newcomer = await showJoin(story, cluster, place, ofWeb);
      await showLeave(story, newcomer, placed);
    },
    takeAway: async () => {
      story.chapter("CHECK and DEL", "A runtime asks whether all is well, and then takes it away.");
      await takeAway(story, cluster, placed);
    },
  };
}

/** ADD, shown with all that a runtime gives and gets, or in one line. */
async function attach(
  story: Story,
  node: ClusterNode,
  label: string,
  conf: object,
  telling: "whole" | "short",
): Promise<Attached> {
  const container = node.addContainer(label);
  const began = performance.now();
  const outcome = await node.cni({ command: "ADD", conf, container });
  const ms = (performance.now() - began).toFixed(0);
  story.command(
    telling === "whole"
      ? [
          `CNI_COMMAND=ADD CNI_CONTAINERID=${container.id} CNI_IFNAME=eth0 \\`,
          `CNI_NETNS=${container.path} CNI_PATH=/opt/cni/bin \\`,
          `/opt/cni/bin/socketplane <<< '${JSON.stringify(conf)}'`,
        ].join("\n")
      : `CNI_COMMAND=ADD CNI_CONTAINERID=${container.id} ... <<< '${JSON.stringify(conf)}'`,
  );
  const attached = attachedBy(container, done("ADD", outcome));
  if (telling === "whole") story.show(JSON.stringify(outcome.json, undefined, 2));
  const eth0 = await eth0Of(container);
  story.seen(
    `${label}, on ${node.name}, has ${attached.address}`,
    eth0?.address === attached.mac && eth0.addr_info[0]?.local === attached.address,
    `${attached.mac}, in ${ms} ms`,
  );
  return attached;
}

/** Runs the operator's command on a node and shows its table. */
async function operator(story: Story, node: ClusterNode, ...args: readonly string[]) {
  story.command(`socketplane ${args.join(" ")}`);
  const { status, stdout, stderr } = await node.socketplane(...args, "-o", "table");
  story.show(status === 0 ? stdout : stderr);
  if (status !== 0) story.seen(`socketplane ${args.join(" ")} works`, false);
}

const netnsOf = ({ attached }: Placed): string => attached.container.netns;
const nameOf = ({ attached }: Placed): string => shortName(attached.container);

async function reachesAll(from: readonly Placed[], to: readonly Placed[]): Promise<boolean> {
  const pairs = from.flatMap((one) =>
    to.filter((two) => two !== one).map((two) => [one, two] as const),
  );
  const reached = await Promise.all(
    pairs.map(([one, two]) => reaches(netnsOf(one), two.attached.address)),
  );
  return reached.every(Boolean);
}

async function showReach(
  story: Story,
  cluster: Cluster,
  ofWeb: readonly Placed[],
  ofDb: readonly Placed[],
): Promise<void> {
  const [one, two, three] = ofWeb;
  const [first, second] = ofDb;
  if (!one || !two || !three || !first || !second) throw new Error("there are too few containers");
  const mark = await cluster.wire.mark();
  story.seen(
    `${ofWeb.map(nameOf).join(", ")} all reach each other, on three machines`,
    await reachesAll(ofWeb, ofWeb),
    "ping, both ways",
  );
  const frames = await cluster.wire.since(mark);
  const tunnelled = frames.filter(({ tunnel }) => tunnel !== undefined);
  const vnis = new Set(tunnelled.map(({ tunnel }) => tunnel?.vni));
  const isBroadcast = tunnelled.some(({ destination }) => destination.startsWith("ff:"));
  story.seen(
    "on the wire it is VXLAN, and no broadcast is in it",
    tunnelled.length > 0 && vnis.size === 1 && !isBroadcast,
    `${tunnelled.length} frames, VNI ${[...vnis].join()}`,
  );
  const macs = await arping(netnsOf(one), three.attached.address);
  story.seen(
    `${nameOf(three)} answers ARP itself, across the tunnel`,
    macs.join() === three.attached.mac,
    `${three.attached.address} is at ${macs.join()}`,
  );
  const answer = await http(netnsOf(one), two.attached);
  story.seen(
    `${nameOf(one)} gets a page from ${nameOf(two)}`,
    answer === `hello from ${two.attached.address}`,
    answer,
  );
  story.seen(
    `${nameOf(first)} and ${nameOf(second)}, of network db, reach each other`,
    await reachesAll(ofDb, ofDb),
  );
  const across = [...ofDb.map((from) => [from, one] as const), [three, second] as const];
  const strays = await Promise.all(
    across.map(([from, to]) => ping(netnsOf(from), to.attached.address)),
  );
  story.seen("but nobody of web, nor web them, on whatever machine", !strays.some(Boolean));
}

async function showOutside(
  story: Story,
  lab: Lab,
  node: ClusterNode,
  [one]: readonly Placed[],
): Promise<void> {
  if (one === undefined) throw new Error("there are too few containers");
  const outside = lab.addOutside(node);
  const seenAs = await sourceSeenOutside(outside, one.attached);
  story.seen(
    `${nameOf(one)} reaches the world outside, which sees ${node.name}'s own address`,
    seenAs === outside.node,
    `${outside.address} sees ${seenAs}`,
  );
}

interface Newcomer {
  readonly placed: Placed;
  readonly agent: Agent;
}

async function showJoin(
  story: Story,
  cluster: Cluster,
  place: (node: ClusterNode, label: string, conf: typeof web, telling: "short") => Promise<Placed>,
  ofWeb: () => readonly Placed[],
): Promise<Newcomer> {
  const before = ofWeb();
  const [one, two] = before;
  if (one === undefined || two === undefined) throw new Error("there are too few containers");
  story.chapter("A machine joins", `While ${nameOf(one)} pings ${nameOf(two)}, 20 times a second.`);
  const steady = pingSteadily(netnsOf(one), two.attached.address);
  const node = await cluster.addNode(quiet);
  story.command("socketplane agent run");
  const agent = await node.startAgent();
  const placed = await place(node, "web-4", web, "short");
  const isReached = async () =>
    (await reachesAll([placed], before)) && (await reachesAll(before, [placed]));
  story.seen(
    `${nameOf(placed)} reaches all of web, and all of web it`,
    await until("the newcomer", isReached),
  );
  const { sent, answered } = await steady.end();
  story.seen("of the pings meanwhile none was lost", sent === answered, `${answered} of ${sent}`);
  await operator(story, node, "lease", "list");
  return { placed, agent };
}

async function showLeave(
  story: Story,
  { placed: leaver, agent }: Newcomer,
  placed: Placed[],
): Promise<void> {
  const [one, two] = placed;
  if (one === undefined || two === undefined) throw new Error("there are too few containers");
  const { node, attached } = leaver;
  story.chapter("A machine goes", "Its agent is stopped, and an operator removes it.");
  const steady = pingSteadily(netnsOf(one), two.attached.address);
  const refused = await one.node.socketplane("node", "remove", node.name);
  story.seen(
    "while its agent runs, removing it is refused",
    refused.status !== 0,
    refused.stderr.split("\n")[0]?.replace("socketplane: ", "") ?? "",
  );
  await agent.stop();
  story.seen("its agent is gone, and traffic goes on", await reachesAll([leaver], [one]));
  story.command(`socketplane node remove ${node.name}`);
  const { status } = await one.node.socketplane("node", "remove", node.name);
  const isCut = async () => !(await ping(attached.container.netns, one.attached.address));
  story.seen(
    `${node.name} is removed: what its container sends is dropped by all others`,
    status === 0 && (await until("the cut", isCut)),
  );
  const { sent, answered } = await steady.end();
  story.seen("of the pings meanwhile none was lost", sent === answered, `${answered} of ${sent}`);
  await node.cni({ command: "DEL", conf: web, container: attached.container });
  placed.splice(placed.indexOf(leaver), 1);
  await operator(story, one.node, "node", "list");
}

async function takeAway(story: Story, cluster: Cluster, placed: readonly Placed[]): Promise<void> {
  const each = async (command: "CHECK" | "DEL"): Promise<boolean> => {
    const codes: (number | undefined)[] = [];
    for (const { node, network, attached } of placed) {
      const { container, result: prevResult } = attached;
      const conf = { ...(network === "web" ? web : db), prevResult };
      codes.push(codeOf(await node.cni({ command, conf, container })));
    }
    return codes.every((code) => code === 0);
  };
  story.seen(`CHECK finds all ${placed.length} as they were made`, await each("CHECK"));
  story.seen("DEL takes them away", await each("DEL"));
  story.seen("DEL again is no error", await each("DEL"));
  const [{ node } = { node: undefined }] = placed;
  if (node === undefined) throw new Error("there are too few containers");
  const gone = cluster.nodes.slice(-1);
  const left = await assertClusterEmpty(cluster, { without: gone }).then(
    () => "no link, port, flow or file",
    (error: Error) => error.message,
  );
  story.seen("nothing is left of them, on no machine", left.startsWith("no link"), left);
  for (const name of ["web", "db"]) {
    story.command(`socketplane network delete ${name}`);
    const { status, stderr } = await node.socketplane("network", "delete", name);
    story.seen(`network ${name} is gone`, status === 0, stderr.trim());
  }
}
