/** Clusters announced and found by multicast DNS, between machines on one segment. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lab, openLab } from "../../lab/lab.ts";
import { ip, type Running, run, start } from "../../lab/run.ts";
import { programAt, runtimes } from "../sys/runtimes.ts";

let lab: Lab;
/** Names of namespaces, by the last byte of their addresses. */
const machines = new Map<number, string>();
const segment = "192.0.2";

beforeAll(() => {
  lab = openLab();
  const wire = lab.addNetns("wire");
  ip("-n", wire, "link", "add", "br0", "type", "bridge");
  ip("-n", wire, "link", "set", "br0", "up");
  for (const number of [1, 2, 3]) {
    const netns = lab.addNetns(`machine${number}`);
    const port = `p${number}`;
    ip("-n", wire, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", netns);
    ip("-n", wire, "link", "set", port, "master", "br0", "up");
    ip("-n", netns, "address", "add", `${segment}.${number}/24`, "dev", "eth0");
    ip("-n", netns, "address", "add", `2001:db8:2::${number}/64`, "dev", "eth0", "nodad");
    ip("-n", netns, "link", "set", "eth0", "up");
    ip("-n", netns, "link", "set", "lo", "up");
    machines.set(number, netns);
  }
  // Another segment, by which the first machine reaches nobody who should hear of it.
  const aside = lab.addNetns("aside");
  const first = machines.get(1) ?? "";
  ip("-n", first, "link", "add", "eth1", "type", "veth", "peer", "name", "eth0", "netns", aside);
  for (const [netns, link, address] of [
    [first, "eth1", "198.51.100.1/24"],
    [aside, "eth0", "198.51.100.2/24"],
  ] as const) {
    ip("-n", netns, "address", "add", address, "dev", link);
    ip("-n", netns, "link", "set", link, "up");
  }
  machines.set(100, aside);
});
afterAll(async () => lab?.close());

const started: Running[] = [];
/** Starts a program on a machine; it is ended after the test. */
function startAt(number: number, argv: readonly string[]): Running {
  const netns = machines.get(number) ?? "";
  const tied = ["setpriv", "--pdeathsig", "KILL", ...argv];
  const running = start({ netns, argv: tied, limitMs: 120_000 });
  started.push(running);
  return running;
}
afterEach(async () => {
  for (const running of started.splice(0)) {
    running.kill("SIGKILL");
    await running.outcome;
  }
});

const foundOf = (number: number, authority: string | undefined, host = `${segment}.${number}`) => ({
  cluster: `cluster-of-${number}`,
  node: `host.${number}`,
  host,
  port: 9479,
  authority,
  version: "1.2.3",
});
const hash = (letter: string) => letter.repeat(52);

describe.each([
  ["bun", "node"],
  ["node", "bun"],
] as const)("announced by %s, sought by %s", (announcing, seeking) => {
  const probe = (runtime: keyof typeof runtimes) => [
    ...runtimes[runtime],
    programAt("../cluster/mdns-probe.ts"),
  ];
  const at = (number: number) => ({ netns: machines.get(number) ?? "" });
  const say = async (how: "announce" | "lie", number: number, found: object): Promise<Running> => {
    const argv = [...probe(announcing), how, JSON.stringify(found)];
    const running = startAt(number, argv);
    await running.says(/announced/);
    return running;
  };
  const find = async (number: number, search: object): Promise<unknown> => {
    const argv = [...probe(seeking), "find", JSON.stringify(search)];
    const { stdout, stderr } = await run({ ...at(number), argv, limitMs: 60_000 });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const end = async (running: Running) => {
    running.kill("SIGTERM");
    await running.outcome;
  };

  test("two clusters on one segment are told apart, and one is found by its authority", async () => {
    const [one, two] = [foundOf(1, hash("a")), foundOf(2, hash("b"))];
    const both = [await say("announce", 1, one), await say("announce", 2, two)];
    const address = `${segment}.3`;
    const all = await find(3, { address, patienceMs: 1_500 });
    expect(all).toHaveLength(2);
    expect(all).toEqual(expect.arrayContaining([one, two]));
    // Soon after it was heard, whatever patience there is.
    const began = performance.now();
    const search = { address, patienceMs: 40_000, authority: hash("b") };
    expect(await find(3, search)).toEqual([two]);
    expect(performance.now() - began).toBeLessThan(30_000);
    const argv = [...probe(seeking), "hear", address];
    const hearing = startAt(3, argv);
    await hearing.says(/listening/);
    await Promise.all(both.map(end));
    // Who keeps what it has heard is told that it is over.
    await hearing.says(/"ttl":0,.*cluster-of-1/);
    await hearing.says(/"ttl":0,.*cluster-of-2/);
    hearing.kill("SIGKILL");
    await hearing.outcome;
    expect(await find(3, { address, patienceMs: 1_000 })).toEqual([]);
  });

  test("a cluster without TLS says so", async () => {
    const { authority: _none, ...found } = foundOf(1, undefined);
    const one = await say("announce", 1, found);
    expect(await find(2, { address: `${segment}.2`, patienceMs: 1_500 })).toEqual([found]);
    const authority = hash("a");
    expect(await find(2, { address: `${segment}.2`, patienceMs: 1_500, authority })).toEqual([]);
    await end(one);
  });

  test("what is no cluster is not found, and hides none", async () => {
    const one = foundOf(1, hash("a"));
    const both = [await say("announce", 1, one), await say("lie", 2, foundOf(2, hash("a")))];
    expect(await find(3, { address: `${segment}.3`, patienceMs: 1_500 })).toEqual([one]);
    await Promise.all(both.map(end));
  });

  test("by IPv6, where the address is one", async () => {
    const one = foundOf(1, hash("a"), "2001:db8:2::1");
    const running = await say("announce", 1, one);
    expect(await find(2, { address: "2001:db8:2::2", patienceMs: 1_500 })).toEqual([one]);
    await end(running);
  });

  test("nothing is said, nor heard, on another interface than its own", async () => {
    const running = await say("announce", 1, foundOf(1, hash("a")));
    const aside = await say("announce", 100, foundOf(100, hash("c"), "198.51.100.2"));
    // Somebody on that machine listens there too, so that its kernel has the group joined.
    const hear = async (number: number, address: string) => {
      const argv = [...probe(seeking), "hear", address];
      const hearing = startAt(number, argv);
      await hearing.says(/listening/);
      return async () => {
        hearing.kill("SIGTERM");
        return (await hearing.outcome).stdout;
      };
    };
    const there = await hear(1, "198.51.100.1");
    const here = await hear(2, `${segment}.2`);
    expect(await find(1, { address: `${segment}.1`, patienceMs: 2_500 })).toEqual([
      foundOf(1, hash("a")),
    ]);
    // Asked for from elsewhere, it has nothing to say.
    const before = (await here()).split("\n").length;
    expect(before).toBeGreaterThan(1);
    const later = await hear(2, `${segment}.2`);
    expect(await find(100, { address: "198.51.100.2", patienceMs: 2_500 })).toEqual([
      foundOf(100, hash("c"), "198.51.100.2"),
    ]);
    expect(await later()).toBe("listening\n");
    expect(await there()).toContain("cluster-of-100");
    await Promise.all([end(running), end(aside)]);
  });

  test("a port that another program does not share is an error", async () => {
    const squat = `require("dgram").createSocket("udp4").bind(5353, () => console.log("has it"))`;
    const [runtime = ""] = runtimes.node;
    const squatter = startAt(3, [runtime, "-e", squat]);
    await squatter.says(/has it/);
    expect(await find(3, { address: `${segment}.3`, patienceMs: 1_000 })).toMatch(
      /^Cannot speak multicast DNS on 192\.0\.2\.3: .*(EADDRINUSE|in use)/,
    );
  });

  test("an address that no link has is an error", async () => {
    expect(await find(3, { address: "192.0.2.99", patienceMs: 1_000 })).toBe(
      "Cannot speak multicast DNS on 192.0.2.99: no link has it, or it is down",
    );
  });
});
