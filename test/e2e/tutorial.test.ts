/**
 * The session that tutorials of the first SocketPlane show, word for word where it still makes
 * sense: an interface bound, networks, commands on two machines, pings, and what is said of them.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, type BareMachine, startBare } from "../lab/bare.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";

/** Whole machines come up, on one that may be busy. */
const patient = { timeout: 180_000 };

let lab: Lab;
let first: BareMachine;
let second: BareMachine;
beforeAll(async () => {
  lab = openLab();
  const { machines } = await startBare(lab, 2);
  const [one, two] = machines;
  if (one === undefined || two === undefined) throw new Error("no two");
  first = one;
  second = two;
  for (const { node } of machines) nameInterface(node);
});
afterAll(() => lab.close());

/** The bridge that has the machine's address goes by the name that its link had in those days. */
function nameInterface({ netns, ovs, vtep }: BareMachine["node"]): void {
  const netdev = ["--", "set", "bridge", "eth0", "datapath_type=netdev"];
  const port = ["--", "add-port", "eth0", "under0"];
  ovs.vsctl("del-br", "br-phy", "--", "add-br", "eth0", ...netdev, ...port);
  ip("-n", netns, "address", "add", `${vtep}/24`, "dev", "eth0");
  ip("-n", netns, "link", "set", "eth0", "up");
}

const list = (answer: Answer) => answer as unknown as readonly Answer[];

interface Connection {
  readonly container_name: string;
  readonly container_pid: number;
  readonly network: string;
  readonly connection_details: {
    readonly ip: string;
    readonly mac: string;
    readonly gateway: string;
  };
}

/** What `socketplane info` says of one. */
async function infoOf(machine: BareMachine, name: string): Promise<Connection> {
  const [found] = list(await machine.must(`socketplane info ${name}`));
  return found as unknown as Connection;
}

/** Types a line that starts one in the background; gives what is known of it. */
async function started(machine: BareMachine, line: string): Promise<Connection> {
  const { text } = await machine.must(line);
  return infoOf(machine, String(text).trim());
}

const reaches = (machine: BareMachine, { container_name }: Connection, address: string) =>
  until(`${address} from ${container_name}`, async () => {
    const line = `socketplane exec ${container_name} ping -nc1 -W1 ${address}`;
    return (await machine.type(line)).status === 0;
  });

test("the tutorials' session", patient, async () => {
  // The first machine.
  expect(await first.must("socketplane cluster bind eth0")).toMatchObject({ interface: "eth0" });
  const { join } = await first.must("socketplane cluster init");
  // The other one, which finds the first by itself.
  expect(await second.must("socketplane cluster bind eth0")).toMatchObject({ interface: "eth0" });
  await second.must(String(join));
  const { text: logs } = await first.must("socketplane agent logs");
  expect(logs).toContain('"message":"the agent runs","node":"host-a"');
  expect(logs).toContain('"message":"takes in a node","node":"host-b"');

  expect(list(await first.must("socketplane network list"))).toMatchObject([
    { id: "default", subnet: "10.1.0.0/16", gateway: "10.1.0.1" },
  ]);
  expect(await first.must("socketplane network create net1 10.100.0.0/24")).toMatchObject({
    gateway: "10.100.0.1",
    id: "net1",
    subnet: "10.100.0.0/24",
  });
  expect(list(await second.must("socketplane network list")).map(({ id }) => id)).toEqual([
    "default",
    "net1",
  ]);

  const one = await started(first, "socketplane run -n net1 -itd sleep 600");
  const two = await started(first, "socketplane run -n net1 -itd sleep 600");
  const three = await started(second, "socketplane run -n net1 -itd sleep 600");
  const all = [one, two, three].map(({ connection_details }) => connection_details);
  expect(new Set(all.map(({ ip }) => ip)).size).toBe(3);
  for (const { ip: address, mac, gateway } of all) {
    const last = Number(/^10\.100\.0\.(\d+)$/.exec(address)?.[1]);
    expect(mac).toBe(`02:42:0a:64:00:${last.toString(16).padStart(2, "0")}`);
    expect(gateway).toBe("10.100.0.1");
  }
  // The gateway, the neighbour beside it, and the one on the other machine.
  await reaches(first, one, "10.100.0.1");
  await reaches(first, one, two.connection_details.ip);
  await reaches(first, one, three.connection_details.ip);
  await reaches(second, three, one.connection_details.ip);
  // In the foreground, with a terminal's options and none.
  const shown = await first.must("socketplane run -n net1 -it ip -4 -o address show eth0");
  expect(shown.text).toMatch(/inet 10\.100\.0\.\d+\/24/);

  const four = await started(second, "socketplane run -itd sleep 600");
  expect(four).toMatchObject({ network: "default" });
  expect(four.connection_details.ip).toMatch(/^10\.1\.\d+\.\d+$/);
  // Networks are apart.
  const apart = `socketplane exec ${four.container_name} ping -nc1 -W1 ${three.connection_details.ip}`;
  expect((await second.type(apart)).status).not.toBe(0);
  expect(list(await first.must("socketplane info")).length).toBe(2);

  await first.must("socketplane agent stop");
  await reaches(first, one, three.connection_details.ip);
  await first.must("socketplane agent start");
  expect(await first.must("socketplane agent status")).toMatchObject({ agent: "running" });
  await until("both agents", async () => {
    const { agents } = await second.must("socketplane cluster status");
    return JSON.stringify(agents) === '["host-a","host-b"]';
  });

  await first.must(`socketplane rm -f ${one.container_name} ${two.container_name}`);
  await second.must(`socketplane rm -f ${three.container_name} ${four.container_name}`);
  await second.must("socketplane network delete net1");
  await second.must("socketplane cluster leave");
  await first.must("socketplane cluster leave");
});
