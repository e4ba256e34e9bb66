import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import type { Filter } from "../../../lib/sys/nft.ts";
import { nfta } from "../../../lib/sys/nft-attributes.ts";
import { family, messageOf, numberOf } from "../../../lib/sys/nft-message.ts";
import type { SetName } from "../../../lib/sys/nft-ruleset.ts";
import { openNftSocket } from "../../../lib/sys/nft-socket.ts";
import { must, run } from "../../lab/run.ts";
import { insideOf, loadRules, type NftLab, network, nft, openNftLab } from "./nft-lab.ts";
import { programAt, runtimes } from "./runtimes.ts";

const rulesOf = (elements: Readonly<Partial<Record<SetName, string>>>) => {
  const inSet = (name: keyof typeof elements) =>
    elements[name] === undefined ? "" : `\n\t\telements = { ${elements[name]} }`;
  const intervals = (name: "subnets" | "plain" | "local") =>
    ([4, 6] as const).map(
      (family) => `\tset ${name}${family} {
		type ipv${family}_addr
		flags interval${inSet(`${name}${family}`)}
	}

`,
    );
  return `table inet socketplane {
${[intervals("subnets"), intervals("plain"), intervals("local")].flat().join("")}	set allowed {
		type ifname . ifname
		comment "ruleset 5"${inSet("allowed")}
	}

	chain raw {
		type filter hook prerouting priority raw; policy accept;
		iifname "spv*" drop
		iifname "sp-*" ip daddr 127.0.0.0/8 drop
		iifname "sp-*" ip saddr @subnets4 fib saddr . iif oif missing drop
		iifname "sp-*" ip6 saddr @subnets6 fib saddr . iif oif missing drop
		iifname "sp-*" ip daddr @subnets4 fib daddr type != local notrack
		iifname "sp-*" ip6 daddr @subnets6 fib daddr type != local notrack
	}

	chain input {
		type filter hook input priority filter; policy accept;
		iifname "sp-*" ip daddr @subnets4 fib daddr . iif type != local ct state ! established,related drop
		iifname "sp-*" ip6 daddr @subnets6 fib daddr . iif type != local ct state ! established,related drop
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "sp-*" oifname "sp-*" iifname . oifname != @allowed drop
		iifname "sp-*" udp dport 4789 drop
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat iif != 0 iifname != "sp-*" oifname "sp-*" ip daddr @local4 accept
		ct status dnat iif != 0 iifname != "sp-*" oifname "sp-*" ip6 daddr @local6 accept
		ct status dnat oifname "sp-*" masquerade
		oifname "sp-*" ip daddr @subnets4 ip daddr != @local4 fib saddr type local masquerade
		oifname "sp-*" ip6 daddr @subnets6 ip6 daddr != @local6 fib saddr type local masquerade
		oifname != "sp-*" ip saddr @subnets4 ip saddr != @plain4 ip daddr != @subnets4 masquerade
		oifname != "sp-*" ip6 saddr @subnets6 ip6 saddr != @plain6 ip6 daddr != @subnets6 masquerade
	}
}
table arp socketplane {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "spv*" drop
	}
}
`;
};

const web = network("web", "10.2.0.0/16", { subnet6: "fd00:2::/64", local: ["10.2.0.64/26"] });
const withWeb = rulesOf({
  subnets4: "10.2.0.0/16",
  subnets6: "fd00:2::/64",
  local4: "10.2.0.64/26",
  local6: "fd00:2::a02:40/122",
  allowed: '"sp-web" . "sp-web"',
});

let lab: NftLab;
let netns: string;
let filter: Filter;

beforeEach(() => {
  lab = openNftLab();
  netns = lab.addNetns("nft");
  filter = lab.openFilter(netns);
});
afterEach(() => lab.close());

const listed = () => nft(netns, "list", "ruleset");
const elementsOf = async (set: string) => {
  const text = await nft(netns, "list", "set", "inet", "socketplane", set);
  return (/elements = \{([^}]*)\}/.exec(text)?.[1] ?? "").split(",").map((one) => one.trim());
};

describe("the ruleset", () => {
  test("is exactly this", async () => {
    filter.add(web);
    expect(await listed()).toBe(withWeb);
  });

  test("has another version when it is another", () => {
    // When this fails: raise `version` in nft-version.ts, and write the new pair here.
    const hash = createHash("sha256").update(rulesOf({})).digest("hex");
    expect([5, hash.slice(0, 16)]).toEqual([5, "e73fb89da9a69a09"]);
  });

  test("is, in the kernel, the same as what nft makes of that text", async () => {
    filter.add(web);
    const other = lab.addNetns("text");
    await loadRules(other, withWeb);
    // Without the handles, which are numbered in the order that things were made in, and the
    // elements, which are in the text.
    const steps = async (name: string) =>
      (await nft(name, "--debug=netlink", "list", "ruleset"))
        .replace(/^(\S+ socketplane \S+)( \d+)+$/gm, "$1")
        .replace(/^\telement .*\n/gm, "");
    expect(await steps(netns)).toBe(await steps(other));
  });

  test("saved and loaded again by nft is still ours", async () => {
    await loadRules(netns, withWeb);
    expect(filter.has(web)).toBe(true);
    filter.add(web);
    filter.add(network("low", "0.0.0.0/8"));
    filter.remove(network("low", "0.0.0.0/8"));
    expect(await listed()).toBe(withWeb);
  });
});

describe("has", () => {
  test("is false where nothing is", () => expect(filter.has(web)).toBe(false));

  test("is true after add, and for that network only", () => {
    filter.add(web);
    expect(filter.has(web)).toBe(true);
    expect(filter.has(network("db", "10.2.0.0/16", { subnet6: "fd00:2::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.3.0.0/16", { subnet6: "fd00:2::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.2.0.0/17", { subnet6: "fd00:2::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.2.128.0/17", { subnet6: "fd00:2::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.0.0.0/8", { subnet6: "fd00:2::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.2.0.0/16", { subnet6: "fd00:3::/64" }))).toBe(false);
    expect(filter.has(network("web", "10.2.0.0/16", { masquerade: false }))).toBe(false);
  });

  test.each([
    ["the ruleset was flushed", "flush ruleset"],
    ["the table is gone", "delete table inet socketplane"],
    ["the arp table is gone", "delete table arp socketplane"],
    ["the arp table is empty", "flush table arp socketplane"],
    ["a chain is empty", "flush chain inet socketplane input"],
    ["the pair is gone", 'delete element inet socketplane allowed { "sp-web" . "sp-web" }'],
    ["the subnet is gone", "delete element inet socketplane subnets4 { 10.2.0.0/16 }"],
    ["the IPv6 subnet is gone", "delete element inet socketplane subnets6 { fd00:2::/64 }"],
  ])("is false when %s, and add puts it right", async (_, command) => {
    filter.add(web);
    await nft(netns, command);
    expect(filter.has(web)).toBe(false);
    filter.add(web);
    expect(filter.has(web)).toBe(true);
    expect(await listed()).toBe(withWeb);
  });
});

/** Of the namespace's ruleset. */
function generation(): number {
  const socket = insideOf(netns, () => openNftSocket(openFfi()));
  const [answer] = socket.ask([messageOf("getGeneration", family.any, [])]);
  socket.close();
  return numberOf(answer?.get(nfta.generation.id)) ?? Number.NaN;
}

describe("add", () => {
  test("does nothing the second time", async () => {
    filter.add(web);
    // Each batch, also one that changes nothing, makes a new generation.
    const before = generation();
    filter.add(web);
    filter.remove(network("db", "10.3.0.0/16"));
    expect(generation()).toBe(before);
    filter.add(network("db", "10.3.0.0/16"));
    expect(generation()).toBe(before + 1);
  });

  test.each(["flush table inet socketplane", "flush chain inet socketplane forward"])(
    "puts the rules back after: %s",
    async (command) => {
      filter.add(web);
      filter.add(network("db", "10.3.0.0/16"));
      const before = await listed();
      await nft(netns, command);
      filter.add(web);
      expect(await listed()).toBe(before);
    },
  );

  test("takes adjacent subnets, in any order", async () => {
    const all = [2, 4, 3, 1, 5].map((n) => network(`n${n}`, `10.${n}.0.0/16`));
    for (const [index, one] of all.entries()) {
      filter.add(one);
      for (const earlier of all.slice(0, index + 1)) expect(filter.has(earlier)).toBe(true);
    }
    expect(await elementsOf("subnets4")).toEqual([1, 2, 3, 4, 5].map((n) => `10.${n}.0.0/16`));
    const [first, ...rest] = all;
    if (first !== undefined) filter.remove(first);
    expect(await elementsOf("subnets4")).toEqual([1, 3, 4, 5].map((n) => `10.${n}.0.0/16`));
    for (const one of rest) expect(filter.has(one)).toBe(true);
  });

  test.each([
    ["255.255.0.0/16", "ffff:ffff::/32"],
    ["0.0.0.0/8", "::/64"],
    ["0.0.0.0/0", "::/0"],
    ["128.0.0.0/1", "8000::/1"],
    ["255.255.255.255/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"],
    ["0.0.0.0/32", "::/128"],
  ])("takes %s and %s, at an end of all addresses", async (subnet, subnet6) => {
    const edge = network("edge", subnet, { subnet6 });
    filter.add(edge);
    expect(filter.has(edge)).toBe(true);
    filter.add(edge);
    const bare = (text: string) =>
      text.replace(/\/(32|128)$/, (length) =>
        length === "/32" && text.includes(":") ? length : "",
      );
    expect(await elementsOf("subnets4")).toEqual([bare(subnet)]);
    expect(await elementsOf("subnets6")).toEqual([bare(subnet6)]);
    filter.remove(edge);
    expect(filter.has(edge)).toBe(false);
    expect(await listed()).toBe(rulesOf({}));
  });

  test("of a network without masquerade lets it be forwarded only", async () => {
    const plain = network("plain", "10.4.0.0/16", { subnet6: "fd00:4::/64", masquerade: false });
    filter.add(plain);
    expect(filter.has(plain)).toBe(true);
    const [subnet, subnet6] = ["10.4.0.0/16", "fd00:4::/64"];
    expect(await listed()).toBe(
      rulesOf({
        ...{ subnets4: subnet, subnets6: subnet6, plain4: subnet, plain6: subnet6 },
        allowed: '"sp-plain" . "sp-plain"',
      }),
    );
  });

  test("ends the masquerade of a network that has none any more", async () => {
    filter.add(web);
    const plain = { ...web, masquerade: false };
    expect(filter.has(plain)).toBe(false);
    filter.add(plain);
    expect(filter.has(plain)).toBe(true);
    expect(await elementsOf("plain4")).toEqual(["10.2.0.0/16"]);
    expect(await elementsOf("plain6")).toEqual(["fd00:2::/64"]);
    filter.add(web);
    expect(filter.has(web)).toBe(true);
    expect(await listed()).toBe(withWeb);
  });

  test("follows what of a network is on this node, of that network only", async () => {
    const db = network("db", "10.3.0.0/16", { local: ["10.3.0.0/26"] });
    filter.add(web);
    filter.add(db);
    const local = ["10.2.0.64/26", "10.2.0.128/26", "10.2.7.7/32"];
    const more = network("web", "10.2.0.0/16", { subnet6: "fd00:2::/64", local });
    expect(filter.has(more)).toBe(false);
    filter.add(more);
    expect(filter.has(more)).toBe(true);
    const shown = ["10.2.0.64/26", "10.2.0.128/26", "10.2.7.7", "10.3.0.0/26"];
    expect(await elementsOf("local4")).toEqual(shown);
    const shown6 = ["fd00:2::a02:40/122", "fd00:2::a02:80/122", "fd00:2::a02:707"];
    expect(await elementsOf("local6")).toEqual(shown6);
    filter.add({ ...more, local: more.local.slice(1, 2) });
    expect(await elementsOf("local4")).toEqual(["10.2.0.128/26", "10.3.0.0/26"]);
    // Whatever its parts are by now, all of it goes.
    filter.remove(web);
    expect(await elementsOf("local4")).toEqual(["10.3.0.0/26"]);
    expect(await elementsOf("local6")).toEqual([""]);
  });

  test("follows which networks it may send to, and leaves theirs to them", async () => {
    const pair = (from: string, to: string) => `"sp-${from}" . "sp-${to}"`;
    const sorted = async () => (await elementsOf("allowed")).toSorted();
    const webTo = (...allowed: readonly string[]) => network("web", "10.2.0.0/16", { allowed });
    filter.add(webTo("db", "cache"));
    filter.add(network("db", "10.3.0.0/16", { allowed: ["web"] }));
    expect(filter.has(webTo("db", "cache"))).toBe(true);
    expect(filter.has(webTo("db", "other"))).toBe(false);
    const ofDb = [pair("db", "db"), pair("db", "web")];
    expect(await sorted()).toEqual(
      [...ofDb, pair("web", "cache"), pair("web", "db"), pair("web", "web")].toSorted(),
    );
    filter.add(webTo("other"));
    expect(await sorted()).toEqual([...ofDb, pair("web", "other"), pair("web", "web")].toSorted());
    // Whatever it sends to by now, and nothing of a network whose name only begins the same.
    filter.add(network("we", "10.5.0.0/16"));
    filter.remove(webTo());
    expect(await sorted()).toEqual([...ofDb, pair("we", "we")].toSorted());
  });

  test.each([
    ["a smaller one inside", "10.2.128.0/17"],
    ["a larger one around", "10.2.0.0/15"],
  ])("replaces what is left of a removed network: %s", async (_, left) => {
    filter.add(network("left", left));
    filter.add(network("db", "10.9.0.0/16"));
    filter.add(web);
    expect(filter.has(web)).toBe(true);
    expect(await elementsOf("subnets4")).toEqual(["10.2.0.0/16", "10.9.0.0/16"]);
  });

  test("leaves the tables of others alone", async () => {
    const theirs = `table ip filter {
	set socketplane {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}

	chain FORWARD {
		type filter hook forward priority filter; policy accept;
		ip saddr @socketplane drop
	}
}
table ip socketplane {
	chain mine {
	}
}
`;
    await loadRules(netns, theirs);
    filter.add(web);
    expect(await listed()).toBe(theirs + withWeb);
    await nft(netns, "flush", "table", "inet", "socketplane");
    filter.add(web);
    filter.remove(web);
    filter.removeAll();
    expect(await listed()).toBe(theirs);
  });

  test.each([
    [
      "another version",
      withWeb
        .replace("ruleset 5", "ruleset 1")
        .replace('iifname "spv*" drop', 'iifname "spg*" counter drop'),
    ],
    ["no version", withWeb.replace(/\n\t\tcomment .*/, "")],
    ["one table only", withWeb.slice(0, withWeb.indexOf("table arp"))],
  ])("replaces tables of %s, with the networks in them", async (_, rules) => {
    await loadRules(netns, rules);
    const db = network("db", "10.3.0.0/16");
    expect(filter.has(web)).toBe(false);
    filter.add(db);
    expect(filter.has(db)).toBe(true);
    expect(filter.has(web)).toBe(true);
    filter.remove(db);
    expect(await listed()).toBe(withWeb);
  });

  test("replaces a table of our name that is nothing like ours", async () => {
    await loadRules(
      netns,
      `table inet socketplane {
      set subnets4 { type inet_service; flags interval; elements = { 1-5 }; }
      set allowed { type ifname; elements = { "eth0" }; }
      chain input { type filter hook input priority 0; tcp dport @subnets4 drop; }
    }`,
    );
    filter.add(web);
    expect(await listed()).toBe(withWeb);
  });

  test("carries over many networks at once", async () => {
    const pairs = Array.from({ length: 4_000 }, (_, n) => `"sp-n${n}" . "sp-n${n}"`);
    const subnets = Array.from({ length: 4_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
    const old = rulesOf({ subnets4: subnets.join(", "), allowed: pairs.join(", ") });
    await loadRules(netns, old.replace("ruleset 5", "ruleset 1"));
    filter.add(network("last", "192.0.2.0/24"));
    expect(filter.has(network("n0", "10.0.0.0/24"))).toBe(true);
    expect(filter.has(network("n777", "10.3.9.0/24"))).toBe(true);
    expect(filter.has(network("n3999", "10.15.159.0/24"))).toBe(true);
    expect(await elementsOf("subnets4")).toHaveLength(4_001);
    expect(await elementsOf("allowed")).toHaveLength(4_001);
  });
});

describe("remove", () => {
  test("takes one network out and leaves the others", async () => {
    filter.add(web);
    filter.add(network("db", "10.3.0.0/16", { subnet6: "fd00:3::/64" }));
    filter.remove(network("db", "10.3.0.0/16", { subnet6: "fd00:3::/64" }));
    expect(await listed()).toBe(withWeb);
    filter.remove(web);
    expect(filter.has(web)).toBe(false);
    expect(await listed()).toBe(rulesOf({}));
  });

  test("forgives what is not there: table, network, half of it", async () => {
    filter.remove(web);
    expect(await listed()).toBe("");
    filter.add(network("db", "10.3.0.0/16"));
    const before = await listed();
    filter.remove(web);
    expect(await listed()).toBe(before);
    filter.add(web);
    await nft(netns, "delete element inet socketplane subnets4 { 10.2.0.0/16 }");
    filter.remove(web);
    expect(await listed()).toBe(before);
  });

  test("takes a subnet out whether it is masqueraded or not by now", async () => {
    filter.add(web);
    filter.remove({ ...web, masquerade: false });
    expect(await listed()).toBe(rulesOf({}));
  });
});

test("removeAll takes both tables away, and forgives their absence", async () => {
  filter.removeAll();
  filter.add(web);
  filter.removeAll();
  expect(await listed()).toBe("");
  filter.add(web);
  await nft(netns, "delete table inet socketplane");
  filter.removeAll();
  expect(await listed()).toBe("");
});

test("a name too long for a link is refused", () => {
  expect(() => filter.add(network("twelve-chars-", "10.2.0.0/16"))).toThrow(/too long/);
});

test("without the right to do it, that is said", async () => {
  const argv = ["setpriv", "--bounding-set=-net_admin", ...runtimes.node, programAt("nft-add.ts")];
  const { status, stderr } = await run({ netns, argv: [...argv, "1", "1"] });
  expect(status).toBe(1);
  expect(stderr).toContain("Cannot read the nftables ruleset: that is not permitted (EPERM)");
  expect(await listed()).toBe("");
});

test("processes of both runtimes adding at once, from the first table on, lose nothing", async () => {
  const each = 6;
  const added = Array.from({ length: 8 }, (_, index) => {
    const runtime = index % 2 === 0 ? runtimes.node : runtimes.bun;
    // Two processes each add the same networks.
    const first = 1 + each * (index >> 1);
    const argv = [...runtime, programAt("nft-add.ts"), String(first), String(each)];
    return run({ netns, argv });
  });
  // Somebody else changes a table of his own all the while.
  const other = (async () => {
    for (let round = 0; round < 20; round += 1) {
      await nft(netns, "add table ip other");
      await nft(netns, "delete table ip other");
    }
  })();
  for (const { status, stderr } of await Promise.all(added)) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }
  await other;
  expect((await listed()).replace(/\n\t\telements = \{[^}]*\}/g, "")).toBe(rulesOf({}));
  const numbers = Array.from({ length: 4 * each }, (_, index) => index + 1);
  expect(await elementsOf("subnets4")).toEqual(numbers.map((n) => `10.${n}.0.0/16`));
  expect((await elementsOf("subnets6")).toSorted()).toEqual(
    numbers.map((n) => `fd00:${n}::/64`).toSorted(),
  );
  expect(await elementsOf("allowed")).toHaveLength(numbers.length);
});

test("chains of others are named by their hooks, and ours are not", async () => {
  filter.add(web);
  const chain = (name: string, hook: string) =>
    `chain ${name} { type filter hook ${hook} priority 0; };`;
  const chains = [
    chain("f", "forward"),
    chain("i", "input"),
    chain("o", "output"),
    "chain sub {};",
  ];
  await loadRules(netns, `table inet other { ${chains.join(" ")} }`);
  expect(insideOf(netns, () => filter.foreignChains())).toEqual({
    forward: ["inet other f"],
    input: ["inet other i"],
    output: ["inet other o"],
  });
});

describe("a forward chain of somebody else that drops", () => {
  const found = () => insideOf(netns, () => filter.foreignDrop());
  const chain = (name: string, hook: string, policy: string) =>
    `chain ${name} { type filter hook ${hook} priority 0; policy ${policy}; };`;

  test.each([
    ["ip filter FORWARD", `table ip filter { ${chain("FORWARD", "forward", "drop")} }`],
    ["ip6 filter FORWARD", `table ip6 filter { ${chain("FORWARD", "forward", "drop")} }`],
    [
      "inet firewalld forwarding",
      `table inet firewalld { chain sub { drop; }; ${chain("input", "input", "drop")} ${chain("forwarding", "forward", "drop")} }`,
    ],
    [
      "inet firewalld filter_FORWARD",
      `table inet firewalld { chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        iifname "lo" accept
        ct state invalid drop
        counter log reject with icmpx admin-prohibited
      }; }`,
    ],
    [
      "inet mine forward",
      `table inet mine { chain forward { type filter hook forward priority 0; iifname "eth0" accept
        counter drop
      }; }`,
    ],
  ])("is named: %s", async (name, rules) => {
    filter.add(web);
    await loadRules(netns, rules);
    expect(found()).toBe(name);
  });

  test.each([
    ["nothing is there", ""],
    ["it accepts", `table ip filter { ${chain("FORWARD", "forward", "accept")} }`],
    [
      "it ends in a drop of some",
      `table ip filter { chain FORWARD { type filter hook forward priority 0; drop
        ip saddr 192.0.2.1 drop
      }; }`,
    ],
    ["it is of another hook", `table ip filter { ${chain("INPUT", "input", "drop")} }`],
    ["it is of no hook", "table ip filter { chain FORWARD { drop; }; }"],
    ["it is of bridges", `table bridge filter { ${chain("FORWARD", "forward", "drop")} }`],
  ])("is not when %s", async (_, rules) => {
    filter.add(web);
    await loadRules(netns, rules);
    expect(found()).toBeUndefined();
  });

  const iptables = (...argv: readonly string[]) => must({ netns, argv });

  test("is named: a last rule that rejects, by iptables-nft", async () => {
    await iptables("iptables-nft", "-A", "FORWARD", "-i", "eth0", "-j", "ACCEPT");
    expect(found()).toBeUndefined();
    const argv = ["-A", "FORWARD", "-j", "REJECT", "--reject-with", "icmp-host-prohibited"];
    await iptables("iptables-nft", ...argv);
    expect(found()).toBe("ip filter FORWARD");
  });

  test.each([
    ["ip filter FORWARD (legacy)", "iptables-legacy"],
    ["ip6 filter FORWARD (legacy)", "ip6tables-legacy"],
  ])("is named: %s", async (name, command) => {
    expect(found()).toBeUndefined();
    await iptables(command, "-A", "FORWARD", "-i", "eth0", "-j", "ACCEPT");
    await iptables(command, "-A", "INPUT", "-i", "eth0", "-j", "DROP");
    expect(found()).toBeUndefined();
    await iptables(command, "-P", "FORWARD", "DROP");
    expect(found()).toBe(name);
    await iptables(command, "-P", "FORWARD", "ACCEPT");
    expect(found()).toBeUndefined();
  });

  test("is not looked for where that would make a table", async () => {
    expect(found()).toBeUndefined();
    const argv = ["cat", "/proc/net/ip_tables_names"];
    expect(await must({ netns, argv })).toBe("");
  });
});
