/**
 * The demo: one machine of its own, made of network namespaces, with an Open vSwitch of its own;
 * the real executables, run as a runtime runs them; and what can be seen of it.
 */
import { type Attached, attachedBy, codeOf, done } from "../lab/attach.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { CniOutcome, Container, LabNode } from "../lab/node.ts";
import { arping, ping } from "../lab/probe.ts";
import { run, start } from "../lab/run.ts";
import { draw } from "./draw.ts";
import { linksOf, lookAt, shortName } from "./look.ts";
import { type Story, tellStory } from "./story.ts";

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const story = tellStory((text) => void process.stdout.write(text), coloured);

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
const db = { cniVersion: "1.1.0", name: "db", type: "socketplane", subnet: "10.3.0.0/16" };

// Before the lab's own handler, which takes away what the story is about.
let interrupted = false;
const interrupt = () => {
  interrupted = true;
};
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupt);
const lab = openLab();
let worked = false;
try {
  worked = await tell(story, lab);
} catch (error) {
  // Ctrl-C ends the program that is being run as well, and we see that before the signal.
  await new Promise((done) => setTimeout(done, 200));
  if (interrupted) throw error;
  story.seen(
    `the demo went on to its end: ${error instanceof Error ? error.message : error}`,
    false,
  );
  story.end();
} finally {
  await lab.close();
}
if (worked) story.note("Everything that was made for it is gone again.");
process.exitCode = worked ? 0 : 1;

async function tell(story: Story, lab: Lab): Promise<boolean> {
  story.chapter(
    "A machine",
    "Network namespaces of its own, with an Open vSwitch of its own; nothing of yours is touched.",
  );
  const node = await lab.startNode({ name: "host-a", config: { logLevel: "error" } });
  const outside = lab.addOutside(node);
  const links = (await linksOf(node.netns)).map(({ ifname }) => ifname);
  story.seen(
    "a machine with one interface, and a world behind it",
    links.join() === "lo,ext0" && (await ping(node.netns, outside.address)),
    `${outside.address} is out there`,
  );

  story.chapter("Two networks", "One made by hand, one on its first use by the configuration.");
  await createNetwork(story, node);

  story.chapter("Three containers", "Each attached as a runtime does it: environment and stdin.");
  const [one, two, three] = [
    await attach(story, node, node.addContainer("web-1"), web, "whole"),
    await attach(story, node, node.addContainer("web-2"), web, "short"),
    await attach(story, node, node.addContainer("db-1"), db, "short"),
  ];
  await assertSound([node]);

  story.chapter("What there is now", "Read back from the kernel and the switch's database.");
  story.show(draw(await lookAt(node, outside, [one, two, three])));

  story.chapter("Who reaches whom", "Each tried for real, with ping, ARP and HTTP.");
  await showTraffic(story, node, outside, { one, two, three });

  story.chapter("CHECK and DEL", "A runtime asks whether all is well, and then takes it away.");
  await takeAway(story, node, [
    { attached: one, conf: web },
    { attached: two, conf: web },
    { attached: three, conf: db },
  ]);
  return story.end();
}

async function createNetwork(story: Story, node: LabNode): Promise<void> {
  story.command("socketplane network create web 10.2.0.0/16 -o table");
  const created = await node.socketplane("network", "create", "web", "10.2.0.0/16", "-o", "table");
  story.show(created.stdout);
  story.seen("network web is there", created.status === 0);
}

/** ADD, shown with all that a runtime gives and gets, or in one line. */
async function attach(
  story: Story,
  node: LabNode,
  container: Container,
  conf: object,
  telling: "whole" | "short",
): Promise<Attached> {
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
  const eth0 = (await linksOf(container.netns)).find(({ ifname }) => ifname === "eth0");
  story.seen(
    `${shortName(container)} has ${attached.address}`,
    eth0?.address === attached.mac && eth0.addr_info[0]?.local === attached.address,
    `${attached.mac}, in ${ms} ms`,
  );
  return attached;
}

interface Three {
  readonly one: Attached;
  readonly two: Attached;
  readonly three: Attached;
}

async function showTraffic(
  story: Story,
  node: LabNode,
  outside: Outside,
  { one, two, three }: Three,
): Promise<void> {
  const reach = (from: Attached, address: string) => ping(from.container.netns, address);
  const [a, b, c] = [one, two, three].map(({ container }) => shortName(container));
  story.seen(`${a} reaches ${b}`, await reach(one, two.address), `ping ${two.address}`);
  const macs = await arping(one.container.netns, two.address);
  story.seen(
    `${b} answers ARP itself, with the MAC of its address`,
    macs.join() === two.mac,
    `${two.address} is at ${macs.join()}`,
  );
  const answer = await http(one.container.netns, two);
  story.seen(`${a} gets a page from ${b}`, answer === `hello from ${two.address}`, answer);
  story.seen(
    `${c}, of network db, reaches nobody of web`,
    !(await reach(three, one.address)) && !(await reach(three, two.address)),
  );
  story.seen(`nor do they reach ${c}`, !(await reach(one, three.address)));
  story.seen(
    `while ${c} is well: its gateway answers`,
    await reach(three, "10.3.0.1"),
    "ping 10.3.0.1",
  );
  for (const from of [one, three]) {
    story.seen(
      `${shortName(from.container)} reaches the world outside`,
      await reach(from, outside.address),
      `ping ${outside.address}`,
    );
  }
  const seenAs = await sourceSeenOutside(outside, one);
  story.seen(
    "which sees the machine's own address, not the container's",
    seenAs === outside.node,
    `from ${seenAs}`,
  );
  story.seen(
    "the machine itself reaches its containers",
    (await ping(node.netns, one.address)) && (await ping(node.netns, three.address)),
  );
}

/** A web server in one container, asked from another: gives the page. */
async function http(from: string, { container, address }: Attached): Promise<string> {
  const serve = `require("node:http").createServer((_, answer) => answer.end("hello from ${address}")).listen(8080, () => console.log("ready"))`;
  const ask = `fetch("http://${address}:8080/", { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).then(console.log)`;
  const node = process.execPath;
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const server = start({ netns: container.netns, argv: [...die, node, "-e", serve] });
  try {
    await server.says(/ready/);
    return (await run({ netns: from, argv: [node, "-e", ask] })).stdout.trim();
  } finally {
    server.kill("SIGKILL");
    await server.outcome;
  }
}

/** Who a connection from a container comes from, as a server outside sees it. */
async function sourceSeenOutside(outside: Outside, { container }: Attached): Promise<string> {
  const serve = `require("node:net").createServer((peer) => peer.end(peer.remoteAddress)).listen(8080, "0.0.0.0", () => console.log("ready"))`;
  const ask = `const peer = require("node:net").connect(8080, "${outside.address}"); peer.on("data", (text) => console.log(String(text))); peer.setTimeout(5000, () => peer.destroy())`;
  const node = process.execPath;
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const server = start({ netns: outside.netns, argv: [...die, node, "-e", serve] });
  try {
    await server.says(/ready/);
    return (await run({ netns: container.netns, argv: [node, "-e", ask] })).stdout.trim();
  } finally {
    server.kill("SIGKILL");
    await server.outcome;
  }
}

async function takeAway(
  story: Story,
  node: LabNode,
  all: readonly { readonly attached: Attached; readonly conf: object }[],
): Promise<void> {
  const each = async (command: "CHECK" | "DEL"): Promise<boolean> => {
    const outcomes: CniOutcome[] = [];
    for (const { attached, conf } of all) {
      const prevResult = attached.result;
      const { container } = attached;
      outcomes.push(await node.cni({ command, conf: { ...conf, prevResult }, container }));
    }
    return outcomes.every((outcome) => codeOf(outcome) === 0);
  };
  story.seen("CHECK finds all three as they were made", await each("CHECK"));
  story.seen("DEL takes them away", await each("DEL"));
  story.seen("DEL again is no error", await each("DEL"));
  for (const name of ["web", "db"]) {
    story.command(`socketplane network delete ${name}`);
    const { status } = await node.socketplane("network", "delete", name);
    story.seen(`network ${name} is gone`, status === 0);
  }
  const left = await assertNothingLeft([node]).then(
    () => "no link, port, flow or file",
    (error: Error) => error.message,
  );
  story.seen("nothing is left of them", left.startsWith("no link"), left);
}
