import { describe, expect, test } from "vitest";
import { topologyOf } from "../../../lib/topology/model.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { treeOf } from "../../../lib/topology/tree.ts";
import { sampleOf } from "./sample.ts";
import { survey, unknown } from "./survey.ts";

const plain = { colors: false, unicode: true, all: false } as const;
const lines = (topology: Topology, more: Partial<Parameters<typeof treeOf>[1]> = {}) =>
  treeOf(topology, { ...plain, ...more }).split("\n");

describe("a small cluster", () => {
  const topology = topologyOf(survey);

  test("is shown whole", () => {
    expect(treeOf(topology, plain)).toBe(`\
3 nodes · 2 networks · 4 containers · etcd ok

Networks
├─ web  10.2.0.0/16 fd00:2::/64  gateway 10.2.0.1  VNI 1  MTU 1450  3 containers · reaches db
└─ db   10.3.0.0/16              gateway 10.3.0.1  VNI 2  MTU 1450  1 container · reaches web · routed, without NAT

host-a  192.0.2.1 · agent up · this node
└─ web  10.2.0.0/26
   ├─ shop/web-0  10.2.0.3  fd00:2::a02:3  02:42:0a:02:00:03  port 7  gone
   └─ shop/web-1  10.2.0.4  fd00:2::a02:4  02:42:0a:02:00:04  port 7        sent 1.5 kB, received 2.5 MB

host-2  192.0.2.2 · agent away
├─ web  10.2.0.128/26
└─ db  10.3.0.0/26
   └─ 0123456789ab  10.3.0.3  02:42:00:00:00:01

host-10  192.0.2.10 · agent up
└─ web  10.2.0.64/26
   └─ run-1  10.2.0.65  fd00:2::a02:41  02:42:00:00:00:01

Tunnels of host-a · all: sent 3.0 kB, received 200 B
├─ host-2   192.0.2.2   web  nothing yet
└─ host-10  192.0.2.10  web  sent 3.0 kB in 3 packets  received 200 B in 2 packets

Not known
└─ what containers host-2 has now
   ├─ its agent writes them down, and it does not run: what is shown is of before
   └─ Start it, on that machine: socketplane agent start
`);
  });

  test("is shown by a terminal without more than ASCII", () => {
    const text = treeOf(topology, { ...plain, unicode: false });
    expect(text).toMatch(/^[\x20-\x7e\n]+$/);
    expect(text).toContain("|- web  10.2.0.0/16");
    expect(text).toContain("`- web  10.2.0.0/26\n   |- shop/web-0  ");
    expect(text).toContain("3 nodes, 2 networks");
    expect(
      treeOf(sampleOf({ nodes: 2, containers: 1_200, networks: ["web"] }), {
        ...plain,
        unicode: false,
      }),
    ).toContain("2,400 containers");
  });

  test("has colours that take no room, and one for each network", () => {
    const colored = treeOf(topology, { ...plain, colors: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own.
    expect(colored.replaceAll(/\u001b\[[\d;]*m/g, "")).toBe(treeOf(topology, plain));
    expect(colored).toContain("\u001b[38;5;31mweb\u001b[0m  \u001b[2m10.2.0.0/26\u001b[0m");
    expect(colored).toContain("\u001b[38;5;133mdb\u001b[0m");
    expect(colored).toContain("\u001b[31magent away\u001b[0m");
  });

  test("leaves out what does not fit, the MAC first", () => {
    const here = (width: number) => lines(topology, { width })[8];
    expect(here(200)).toContain("fd00:2::a02:3  02:42:0a:02:00:03  port 7");
    expect(here(90)).toContain("10.2.0.3  fd00:2::a02:3  port 7");
    expect(here(74)).toContain("10.2.0.3  port 7");
    expect(here(40)).toContain("10.2.0.3  gone");
  });

  test("says what is remembered, and of which node only the VTEP is known", () => {
    const away = treeOf(topologyOf({ ...survey, cluster: unknown("Cannot read: gone") }), plain);
    expect(away).toContain("etcd away: as this node remembers it\n");
    expect(away).toContain("\nat 192.0.2.10\n└─ web  10.2.0.64/26\n");
    expect(away).toContain("\n└─ at 192.0.2.10  web  sent 3.0 kB");
    expect(away).toContain("   └─ Cannot read: gone\n");
  });

  test("does not let a record move the cursor", () => {
    const [node] = topology.nodes;
    if (node === undefined) throw new Error("no node");
    const text = treeOf({ ...topology, nodes: [{ ...node, name: "a\u001b[2J\nb" }] }, plain);
    expect(text).toContain("a?[2J?b  192.0.2.1");
  });
});

describe("a cluster of 200 nodes and 2,400 containers", () => {
  const topology = sampleOf({ nodes: 200, containers: 12, networks: ["web", "db"] });

  test("is shown on a screen or two: this node, and a line for each of some others", () => {
    const shown = lines(topology);
    expect(shown.length).toBeLessThan(70);
    expect(shown[0]).toContain("200 nodes · 2 networks · 2\u202f400 containers");
    const others = shown.slice(shown.indexOf("Other nodes"));
    expect(others[1]).toMatch(/^├─ \S+ +\S+ +agent \w+ +6 in web, 6 in db$/);
    expect(others[25]).toBe("└─ and 175 more nodes with 2\u202f100 containers: --all shows them");
    expect(shown.at(-2)).toBe("└─ and 187 more tunnels: --all shows them");
  });

  test("names those without an agent first", () => {
    const nodes = topology.nodes.map((node) => ({
      ...node,
      agent: node.name === "node-150" ? ("away" as const) : ("alive" as const),
    }));
    const shown = lines({ ...topology, nodes });
    expect(shown[shown.indexOf("Other nodes") + 1]).toContain("node-150");
  });

  test("shows the tunnels that carry most", () => {
    const [first, ...rest] = topology.tunnels;
    if (first === undefined) throw new Error("no tunnel");
    const busy = { packets: 1e9, bytes: 1e15 };
    const last = { ...first, to: "busy", traffic: { sent: busy, received: busy } };
    const text = treeOf({ ...topology, tunnels: [...rest, last] }, plain);
    expect(text).toContain("─ busy ");
  });

  test("with all, every node and container", () => {
    const shown = lines(topology, { all: true });
    expect(shown.filter((line) => /^node-\S+ {2}192/.test(line)).length).toBe(200);
    expect(shown.filter((line) => /─ \S+ +10\.[23]\.\d+\.\d+ /.test(line)).length).toBe(2_400);
    expect(shown.join("\n")).not.toContain("--all");
  });

  test("one node of it is shown whole", () => {
    const one = topology.nodes.slice(30, 31);
    const containers = topology.containers.filter(({ node }) => node === one[0]?.name);
    const shown = lines({ ...topology, nodes: one, containers, tunnels: [] });
    expect(shown.filter((line) => / {2}10\.[23]\.\d+\.\d+ /.test(line)).length).toBe(12);
  });
});

test("a node with nothing on it says so", () => {
  const topology = sampleOf({ nodes: 1, containers: 0, networks: [] });
  expect(lines({ ...topology, carried: undefined as never })).toContain("└─ holds nothing");
});
