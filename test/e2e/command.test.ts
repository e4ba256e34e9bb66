/** The operator's command, as people and their scripts call it. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { type CniOutcome, executables, type LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip, must, type Outcome, start } from "../lab/run.ts";

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

/** Types a command line; words are apart by single spaces. */
const type = (line: string): Promise<CniOutcome> => node.socketplane(...line.split(" "));

/** Types one that goes on until it is interrupted: once it has shown what there is. */
async function watched(line: string): Promise<Outcome> {
  const watching = start(node.operatorCommand(...line.split(" ")));
  await watching.says(/^{"change":"added",/m);
  watching.kill("SIGINT");
  return watching.outcome;
}

/** Types one that must succeed, and gives what it shows. */
async function shown(line: string): Promise<unknown> {
  const { status, stdout, stderr, json } = await type(line);
  expect({ line, status, stderr: errorsIn(stderr) }).toEqual({ line, status: 0, stderr: "" });
  return json ?? stdout;
}

/** Without the log, which the lab has on for all. */
const errorsIn = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !line.startsWith('{"time":'))
    .join("\n");

async function expectError(line: string, status: 1 | 2, stderr: readonly string[]): Promise<void> {
  const outcome = await type(line);
  expect({ line, status: outcome.status, stdout: outcome.stdout }).toEqual({
    line,
    status,
    stdout: "",
  });
  expect(errorsIn(outcome.stderr).trimEnd().split("\n")).toEqual(stderr);
}

const web = {
  gateway: "10.2.0.1",
  id: "web",
  subnet: "10.2.0.0/16",
  vni: 1,
  ipRange: "10.2.0.1-10.2.255.254",
  blockLength: 26,
  masquerade: true,
};

describe("network create, list and show", () => {
  test("answer as JSON where nobody looks", async () => {
    expect(await shown("network list")).toEqual([]);
    expect(await shown("network create web 10.2.0.0/16")).toEqual(web);
    const line = "network create db 10.3.0.0/24 --subnet6 fd00:3::/64 --gateway 10.3.0.254";
    const more = "--ip-range 10.3.0.64/26 --block-length 28 --vni 77 --mtu 1400 --no-masquerade";
    const db = {
      gateway: "10.3.0.254",
      id: "db",
      subnet: "10.3.0.0/24",
      vni: 77,
      subnet6: "fd00:3::/64",
      gateway6: "fd00:3::a03:fe",
      ipRange: "10.3.0.64-10.3.0.127",
      blockLength: 28,
      mtu: 1400,
      masquerade: false,
    };
    expect(await shown(`${line} ${more}`)).toEqual(db);
    expect(await shown("network list")).toEqual([db, web]);
    expect(await shown("network ls -o json")).toEqual([db, web]);
    expect(await shown("network show web")).toEqual(web);
    expect(await shown("network info db")).toEqual(db);
  });

  test("answer as a table where it is asked for", async () => {
    await shown("network create web 10.2.0.0/16");
    await shown("network create internal 172.16.0.0/24 --vni 4711");
    expect(await shown("network list -o table")).toBe(
      [
        "ID        SUBNET         GATEWAY     VNI",
        "internal  172.16.0.0/24  172.16.0.1  4711",
        "web       10.2.0.0/16    10.2.0.1    1",
        "",
      ].join("\n"),
    );
    await shown("network create six 10.6.0.0/24 --subnet6 fd00:6::/64");
    expect(await shown("network list -o table")).toMatch(
      /^ID +SUBNET +SUBNET6 +GATEWAY +VNI\n(.*\n)*six +10\.6\.0\.0\/24 +fd00:6::\/64 +10\.6\.0\.1 /,
    );
    expect(await shown("network show web --output table")).toBe(
      [
        "ID            web",
        "SUBNET        10.2.0.0/16",
        "GATEWAY       10.2.0.1",
        "VNI           1",
        "SUBNET6       -",
        "GATEWAY6      -",
        "IP RANGE      10.2.0.1-10.2.255.254",
        "BLOCK LENGTH  26",
        "MTU           -",
        "MASQUERADE    yes",
        "ALLOWED       -",
        "",
      ].join("\n"),
    );
  });

  test("answer as a table on a terminal, unless it is asked for JSON", async () => {
    await shown("network create web 10.2.0.0/16");
    const onTerminal = async (line: string) => {
      const command = `${join(executables, "socketplane")} --config ${node.config} ${line}`;
      const argv = ["script", "-qec", command, "/dev/null"];
      return (await must({ netns: node.netns, argv })).replaceAll("\r\n", "\n");
    };
    expect(await onTerminal("network list")).toContain(
      "ID   SUBNET       GATEWAY   VNI\nweb  10.2",
    );
    expect(await onTerminal("network show web")).toMatch(/^GATEWAY +10\.2\.0\.1$/m);
    expect(JSON.parse(await onTerminal("network list -o json"))).toEqual([web]);
  });

  test("a subnet is chosen that nothing else has", async () => {
    ip("-n", node.netns, "link", "add", "nic0", "type", "veth", "peer", "name", "nic1");
    ip("-n", node.netns, "address", "add", "10.1.200.7/24", "dev", "nic0");
    ip("-n", node.netns, "link", "set", "nic0", "up");
    await shown("network create web 10.2.0.0/16");
    expect(await shown("network create auto")).toMatchObject({
      subnet: "10.3.0.0/16",
      gateway: "10.3.0.1",
      vni: 2,
    });
    expect(await shown("network create more --vni 9")).toMatchObject({ subnet: "10.4.0.0/16" });
  });

  test("a network that a first ADD made is one like any other", async () => {
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
    const call = { container: node.addContainer(), conf };
    expect(await node.cni({ ...call, command: "ADD" })).toMatchObject({ status: 0 });
    expect(await shown("network list")).toEqual([web]);
    expect(await node.cni({ ...call, command: "DEL" })).toMatchObject({ status: 0 });
    await assertNothingLeft([node]);
  });
});

describe("what cannot be done", () => {
  test.each<[string, string[]]>([
    [
      "network create web 10.4.0.0/16",
      [
        'socketplane: Cannot create network "web": it exists',
        "  See it: socketplane network show web",
      ],
    ],
    [
      "network create part 10.2.64.0/20",
      [
        'socketplane: Cannot create network "part": its subnet overlaps 10.2.0.0/16 of network "web"',
        "  Choose another subnet, or leave it out to have one chosen.",
      ],
    ],
    [
      "network create other 10.4.0.0/16 --vni 1",
      [`socketplane: Cannot create network "other": VNI 1 is network "web"'s`],
    ],
    [
      "network create tiny 10.4.0.0/30",
      [
        'socketplane: Cannot use network "tiny": subnet 10.4.0.0/30 is too small: the smallest is a /29',
      ],
    ],
    [
      "network create own 127.0.0.0/16",
      [
        'socketplane: Cannot create network "own": its subnet reaches into loopback addresses',
        "  Take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, or one you own.",
      ],
    ],
    [
      "network show nobody",
      [
        'socketplane: Cannot show network "nobody": there is none',
        "  See which there are: socketplane network list",
      ],
    ],
    [
      "network delete nobody",
      [
        'socketplane: Cannot delete network "nobody": there is none',
        "  See which there are: socketplane network list",
      ],
    ],
    [
      "network list --config /nowhere/node.json",
      [
        "socketplane: Cannot read node configuration /nowhere/node.json: there is none",
        "  --config names it. Without that, /etc/socketplane/node.json is read if it is there.",
      ],
    ],
  ])("%s: exit status 1", async (line, stderr) => {
    await shown("network create web 10.2.0.0/16");
    await expectError(line, 1, stderr);
    // Nor does it leave anything.
    expect(await shown("network list")).toEqual([web]);
    expect(readdirSync(join(node.runDir, "networks"))).toEqual([]);
  });
});

describe("what cannot be understood", () => {
  const cannot = "socketplane: Cannot understand the command line: ";
  test.each<[string, string, string?]>([
    ["netwrok list", 'there is no command "netwrok": did you mean "network"?', ""],
    ["start", 'there is no command "start": did you mean "run" or "agent start"?', ""],
    ["frobnicate", 'there is no command "frobnicate"', ""],
    ["network lits", 'there is no command "lits": did you mean "list"?', " network"],
    ["lease", "give a command of lease: list", " lease"],
    ["network create", "<name> is missing", " network create"],
    ["network create web 10.2.0.0/16 now", '"now" is one argument too many', " network create"],
    [
      "network create web --subnt6 fd00::/64",
      'there is no option "--subnt6": did you mean "--subnet6"?',
      " network create",
    ],
    ["network create web --mtu", "--mtu needs a value", " network create"],
    [
      "network create web --no-gateway",
      'there is no option "--no-gateway": did you mean "--gateway"?',
      " network create",
    ],
    ["network list -o", "-o needs a value", " network list"],
    [
      "network list -o yaml",
      '--output must be one of "json", "table", not "yaml"',
      " network list",
    ],
    [
      "network create web 10.2.0.9/16",
      "subnet must be an IPv4 prefix, as 10.2.0.0/16, not 10.2.0.9/16",
    ],
    [
      "network create ../web",
      "name must be a name of at most 63 letters, digits, '-', '_' and '.', not ../web",
    ],
  ])("%s: exit status 2", async (line, state, command) => {
    const hint = command === undefined ? [] : [`  Try: socketplane${command} --help`];
    await expectError(line, 2, [cannot + state, ...hint]);
  });

  test("is told all at once", async () => {
    const line = "network create web 10.2 --subnet6 fd --gateway x --ip-range y --vni 0 --mtu 1e3";
    await expectError(line, 2, [
      `${cannot}6 arguments are not valid`,
      "  subnet must be an IPv4 prefix, as 10.2.0.0/16, not 10.2",
      "  --subnet6 must be an IPv6 prefix, as fd00:2::/64, not fd",
      "  --gateway must be an IPv4 address, not x",
      "  --ip-range must be a prefix or a range of addresses, not y",
      "  --vni must be a whole number from 1 to 16777215, not 0",
      "  --mtu must be a whole number from 576 to 65535, not 1e3",
    ]);
    expect(await shown("network list")).toEqual([]);
  });
});

describe("help", () => {
  test.each([
    "--help",
    "-h",
    "network --help",
    "network create --help",
    "network list --help",
    "network show --help",
    "network delete --help",
  ])("%s shows what can be typed, with examples that can be", async (line) => {
    const help = String(await shown(line));
    expect(help).toMatch(/^socketplane /);
    expect(help.split("\n").filter((one) => one.length > 100)).toEqual([]);
    const [, examples = ""] = help.split("Examples:\n");
    const lines = examples.split("\n").filter((one) => one.startsWith("  socketplane "));
    expect(lines.length).toBeGreaterThan(0);
    await shown("network create web 10.2.0.0/16");
    for (const one of lines) {
      const [typed = ""] = one
        .trim()
        .replace("socketplane ", "")
        .split(/ {2,}| >> /);
      // The network may be there already: that is told, but it is understood.
      const { status } = await (typed.endsWith("--watch") ? watched(typed) : type(typed));
      expect({ typed, status }).not.toEqual({ typed, status: 2 });
    }
  });

  test("--version tells the package's", async () => {
    expect(await shown("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("is shown, as an error, to who types nothing", async () => {
    const { status, stdout, stderr } = await node.socketplane();
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(errorsIn(stderr)).toBe(`${await shown("--help")}`);
    expect(await shown("help network create")).toBe(await shown("network create --help"));
  });

  test("version tells what it is made of, and what it speaks", async () => {
    expect(await shown("version")).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      runtime: expect.stringMatching(/^(Bun|Node) \d+\.\d+\.\d+$/),
      platform: `linux ${process.arch}`,
      cni: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
      openflow: "1.5",
      ovsdb: "RFC 7047",
      etcd: "API v3",
      ruleset: expect.any(Number),
    });
    expect(await shown("version -o table")).toMatch(/^CNI +0\.1\.0, 0\.2\.0, /m);
  });

  test("--quiet says nothing but errors", async () => {
    expect(await shown("network create web 10.2.0.0/16 --quiet")).toBe("");
    expect(await shown("--quiet network list")).toBe("");
    expect(await shown("network list --help --quiet")).toContain("Examples:");
    await expectError("network show nobody --quiet", 1, [
      'socketplane: Cannot show network "nobody": there is none',
      "  See which there are: socketplane network list",
    ]);
  });

  test("completion knows what can be typed, and the names of what is there", async () => {
    const script = String(await shown("completion bash"));
    const complete = async (...words: readonly string[]) => {
      const typed = words.map((word) => `'${word}'`).join(" ");
      const ask = `${script}
COMP_WORDS=(${typed}) COMP_CWORD=${words.length - 1}
$(complete -p socketplane | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = { PATH: `${executables}:/usr/bin:/bin`, SOCKETPLANE_CONFIG: node.config };
      const argv = ["bash", "--norc", "-c", ask];
      return (await must({ netns: node.netns, argv, env })).trim().split("\n");
    };
    await shown("network create web 10.2.0.0/16");
    await shown("network create db");
    expect(await complete("socketplane", "")).toEqual(
      expect.arrayContaining(["network", "completion"]),
    );
    expect(await complete("socketplane", "network", "s")).toEqual(["show"]);
    expect(await complete("socketplane", "network", "create", "--sub")).toEqual(["--subnet6"]);
    expect(await complete("socketplane", "network", "delete", "")).toEqual(["db", "web"]);
    expect(await complete("socketplane", "lease", "ls", "--network", "w")).toEqual(["web"]);
    const container = node.addContainer();
    const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
    expect(await node.cni({ command: "ADD", container, conf })).toMatchObject({ status: 0 });
    expect(await complete("socketplane", "info", "")).toEqual([container.id]);
    expect(await complete("socketplane", "logs", "")).toEqual([""]);
    expect(await complete("socketplane", "cluster", "init", "--interface", "sp-w")).toEqual([
      // Ours can't be a cluster's.
      "",
    ]);
    expect(await node.cni({ command: "DEL", container, conf })).toMatchObject({ status: 0 });
    expect(await complete("socketplane", "--config", "/nowhere", "network", "rm", "")).toEqual([
      "",
    ]);
  });
});

describe("network delete", () => {
  const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
  const attach = async (command: "ADD" | "DEL", container = node.addContainer(), more = {}) => {
    const outcome = await node.cni({ command, container, conf, ...more });
    expect(outcome.status, outcome.stdout).toBe(0);
    return { ...container, json: outcome.json };
  };
  const firewall = () =>
    must({ netns: node.netns, argv: ["nft", "list", "table", "inet", "socketplane"] });
  const blocks = () => {
    const folder = join(node.runDir, "networks/web");
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.includes("@")) : [];
  };

  test("is refused while containers are attached, and names them", async () => {
    await shown("network create web 10.2.0.0/16");
    const one = await attach("ADD");
    const two = await attach("ADD", undefined, { ifname: "net0" });
    const both = [`${one.id} (eth0)`, `${two.id} (net0)`];
    const { status, stdout, stderr } = await type("network delete web");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(errorsIn(stderr)).toMatch(
      /^socketplane: Cannot delete network "web": 2 containers are attached to it\n {2}Call DEL first for /,
    );
    for (const each of both) expect(stderr).toContain(each);
    await assertSound([node]);
    expect(await ping(one.netns, "10.2.0.1")).toBe(true);
    await attach("DEL", one);
    await attach("DEL", two, { ifname: "net0" });
    await assertNothingLeft([node]);
  });

  test("is complete, and the name can be had again at once", async () => {
    await shown("network create web 10.2.0.0/16");
    await shown("network create db 10.9.0.0/16");
    await attach("DEL", await attach("ADD"));
    const other = await attach("ADD", undefined, { conf: { ...conf, name: "db" } });
    expect(await firewall()).toContain("10.2.0.0/16");
    expect((await factsOf(node)).links).toContain("sp-web");
    expect(blocks()).toHaveLength(1);

    expect(await shown("network delete web")).toEqual({ id: "web", deleted: true });
    const { links, ports, leases, owners } = await factsOf(node);
    expect(links).not.toContain("sp-web");
    expect(ports.map(({ ids }) => ids.network)).toEqual(["db", "db"]);
    expect({ leases: leases.map(({ network }) => network), blocks: blocks() }).toEqual({
      leases: ["db"],
      blocks: [],
    });
    expect(owners.map(({ network }) => network)).toEqual(["db", "db"]);
    expect(await firewall()).not.toContain("10.2.0.0/16");
    expect(node.ovs.ofctl("dump-flows", "sp0")).not.toMatch(/10\.2\.0\.|02:42:0a:02/);
    expect(await ping(other.netns, "10.9.0.1")).toBe(true);

    await shown("network create web 10.44.0.0/16 --subnet6 fd00:44::/64");
    const again = await attach("ADD");
    expect(again.json).toMatchObject({ ips: [{ gateway: "10.44.0.1" }, {}] });
    expect(await ping(again.netns, "10.44.0.1")).toBe(true);
    await assertSound([node]);
    await attach("DEL", again);
    await attach("DEL", other, { conf: { ...conf, name: "db" } });
    await assertNothingLeft([node]);
  });

  test("of a network that nothing was attached to needs no switch", async () => {
    await shown("network create web 10.2.0.0/16");
    await node.ovs.killSwitch();
    expect(await shown("network rm web -o table")).toBe("ID       web\nDELETED  yes\n");
    expect(await shown("network list")).toEqual([]);
  });

  test("that cannot reach the switch leaves the network as it was", async () => {
    await shown("network create web 10.2.0.0/16");
    await attach("DEL", await attach("ADD"));
    await node.ovs.killSwitch();
    const { status, stderr } = await type("network delete web");
    expect(status).toBe(1);
    expect(stderr).toContain("Cannot reach ovs-vswitchd at ");
    expect(await shown("network list")).toEqual([web]);
    await node.ovs.startSwitch();
    const one = await attach("ADD");
    await assertSound([node]);
    expect(await ping(one.netns, "10.2.0.1")).toBe(true);
    await attach("DEL", one);
    await assertNothingLeft([node]);

    await node.ovs.killSwitch();
    expect((await type("network delete web")).status).toBe(1);
    await node.ovs.startSwitch();
    expect(await shown("network delete web")).toEqual({ id: "web", deleted: true });
    const { links, ports, leases } = await factsOf(node);
    expect({ links: links.filter((link) => link.startsWith("sp-")), ports, leases }).toEqual({
      links: [],
      ports: [],
      leases: [],
    });
  });
});
