/** Topologies as large as is asked for, made up. */
import type {
  Topology,
  TopologyContainer,
  TopologyNode,
  TopologyTunnel,
  Traffic,
} from "../../../lib/topology/topology.ts";

export interface Size {
  readonly nodes: number;
  /** Of each node. */
  readonly containers: number;
  readonly networks: readonly string[];
}

const names = ["shop/web", "shop/cart", "pay/api", "orders-db", "cache"];

/** Node after node has its containers on the networks in turn. */
export function sampleOf({ nodes, containers, networks }: Size): Topology {
  const shown = Array.from({ length: nodes }, (_, at) => nodeOf(at, containers, networks));
  const inside = shown.flatMap((node, at) => containersOf(node, at, containers, networks));
  return {
    version: 1,
    at: "2026-03-01T12:00:00.000Z",
    self: nameOf(0),
    store: { kind: "etcd", state: "ok", endpoints: ["https://192.0.2.1:2379"] },
    networks: networks.map((name, at) => ({
      name,
      subnet: `10.${at + 2}.0.0/16`,
      gateway: `10.${at + 2}.0.1`,
      vni: at + 1,
      mtu: 1450,
      masquerade: true,
      color: at,
      allowed: [],
      containerCount: inside.filter(({ network }) => network === name).length,
    })),
    nodes: shown,
    containers: inside,
    tunnels: shown.slice(1).map((node, at) => tunnelOf(node, at, networks)),
    carried: trafficOf(3_200_000, 840_000),
    missing: [],
  };
}

const nameOf = (at: number): string =>
  at < 26 ? `node-${String.fromCharCode(97 + at)}` : `node-${at}`;

const blockOf = (network: number, node: number): string =>
  `10.${network + 2}.${node >> 2}.${(node & 3) * 64}`;

function nodeOf(at: number, containers: number, networks: readonly string[]): TopologyNode {
  const held = networks.filter((_, network) =>
    Array.from({ length: containers }, (_, index) => (index + at) % networks.length).includes(
      network,
    ),
  );
  return {
    name: nameOf(at),
    isSelf: at === 0,
    vtep: `192.0.2.${at + 1}`,
    version: "0.1.0",
    agent: at % 17 === 5 ? "away" : at % 23 === 7 ? "unknown" : "alive",
    networks: held,
    blocks: held.map((network) => ({
      network,
      prefix: `${blockOf(networks.indexOf(network), at)}/26`,
    })),
    containerCount: containers,
  };
}

function containersOf(
  node: TopologyNode,
  at: number,
  count: number,
  networks: readonly string[],
): readonly TopologyContainer[] {
  const made = Array.from({ length: count }, (_, index): TopologyContainer => {
    const network = (index + at) % networks.length;
    const base = blockOf(network, at).split(".").map(Number);
    const address = [...base.slice(0, 3), (base[3] ?? 0) + 2 + index].join(".");
    const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
    const name = names[(at + index) % names.length] ?? "";
    return {
      name: `${name}-${at}-${index}`,
      id: hex.join("").repeat(4),
      cniName: networks[network] ?? "",
      ifname: "eth0",
      network: networks[network] ?? "",
      address,
      mac: ["02", "42", ...hex].join(":"),
      node: node.name,
      state: node.isSelf ? "alive" : "unknown",
      ...(node.isSelf && {
        port: { name: `sp${hex.join("")}`, number: index + 5 },
        traffic: trafficOf(120_000 * index, 88_000),
      }),
    };
  });
  return made.toSorted((a, b) => networks.indexOf(a.network) - networks.indexOf(b.network));
}

const tunnelOf = (
  { name, vtep = "" }: TopologyNode,
  at: number,
  networks: readonly string[],
): TopologyTunnel => ({
  from: nameOf(0),
  to: name,
  vtep,
  networks,
  ...(at !== 3 && { traffic: trafficOf(2_100_000 / (at + 1), 840_000 * (at % 4)) }),
});

const trafficOf = (sent: number, received: number): Traffic => ({
  sent: { bytes: Math.round(sent), packets: Math.ceil(sent / 1100) },
  received: { bytes: received, packets: Math.ceil(received / 900) },
});

export const three = sampleOf({ nodes: 3, containers: 4, networks: ["web", "db"] });
export const many = sampleOf({ nodes: 200, containers: 12, networks: ["web", "db", "batch"] });

/** Of a node that reaches neither etcd nor its switch. */
export const away: Topology = {
  ...three,
  store: { kind: "etcd", state: "away" },
  tunnels: three.tunnels.map(({ traffic: _, ...rest }) => rest),
  missing: [
    { what: "the tunnels' traffic", why: "Cannot ask the switch: it is away", todo: "Do." },
  ],
};

/** What a stranger may call a container, to break the page or pass for another. */
export const hostileNames: readonly string[] = [
  "<script>document.title='broken'</script>",
  `"><img src=x onerror="document.title='broken'">`,
  "' onfocus='alert(1)' x='",
  "</style></title></script><svg onload=alert(1)>",
  "&lt;b&gt; &amp; ]]> <!-- -->",
  "\u202egnp.exe\u0000\u0007\ud800",
  "\u0024{1} \\n `x`",
  "名前 \u{1f600} é",
  "x".repeat(300),
];

/** The topology with hostile names for all that has one. */
export function hostile(topology: Topology): Topology {
  const bad = (at: number) => hostileNames[at % hostileNames.length] ?? "";
  const node = new Map(topology.nodes.map(({ name }, at) => [name, `${bad(at)} ${at}`]));
  const network = new Map(topology.networks.map(({ name }, at) => [name, `${bad(at)} ${at}`]));
  const nodeNamed = (name: string) => node.get(name) ?? name;
  const networkNamed = (name: string) => network.get(name) ?? name;
  return {
    ...topology,
    self: nodeNamed(topology.self ?? ""),
    networks: topology.networks.map((one) => ({ ...one, name: networkNamed(one.name) })),
    nodes: topology.nodes.map((one) => ({
      ...one,
      name: nodeNamed(one.name),
      networks: one.networks.map(networkNamed),
      blocks: one.blocks.map((block) => ({ ...block, network: networkNamed(block.network) })),
    })),
    containers: topology.containers.map((one, at) => ({
      ...one,
      name: bad(at),
      network: networkNamed(one.network),
      node: nodeNamed(one.node),
    })),
    tunnels: topology.tunnels.map((one) => ({
      ...one,
      from: nodeNamed(one.from),
      to: nodeNamed(one.to),
    })),
    missing: hostileNames.map((what) => ({ what, why: what, todo: what })),
  };
}
