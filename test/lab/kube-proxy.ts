/**
 * The rules that kube-proxy makes for services, written as it writes them, so that tests see what
 * a node of Kubernetes does to packets: in nftables mode (1.33) and in iptables mode (the same
 * since 1.26), one family each.
 *
 * Sources: kubernetes, pkg/proxy/nftables/proxier.go and pkg/proxy/iptables/proxier.go. Left out:
 * session affinity, source ranges, services without endpoints, health checks. The hashes in names
 * of chains are left out as well: nothing hangs on them.
 */
import { must } from "./run.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Its container runs on this node. */
  readonly local: boolean;
}

export interface Service {
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  readonly clusterIp: string;
  readonly port: number;
  readonly nodePort?: number;
  /** "Local": what comes from outside goes to this node's endpoints, and keeps its address. */
  readonly externalTrafficPolicy?: "Cluster" | "Local";
  readonly endpoints: readonly Endpoint[];
}

/** What one kube-proxy knows. */
export interface Proxied {
  readonly family: "ip" | "ip6";
  /** Where it takes a sender for a container (--cluster-cidr); undefined: it can't tell. */
  readonly podCidr: string | undefined;
  readonly serviceCidr: string;
  /** The node's addresses at which it has node ports (in iptables mode, all that it has). */
  readonly nodeAddresses: readonly string[];
  readonly services: readonly Service[];
}

export type Mode = "nftables" | "iptables-nft" | "iptables-legacy";

/** Does in a namespace what kube-proxy does there. */
export async function proxyServices(netns: string, mode: Mode, proxied: Proxied): Promise<void> {
  if (mode === "nftables") {
    await must({ netns, argv: ["nft", "-f", "-"], stdin: nftablesRules(proxied) });
    return;
  }
  // What it sets for node ports on the loopback address.
  const setting = "net.ipv4.conf.all.route_localnet=1";
  await must({ netns, argv: ["sysctl", "-q", "-w", setting] });
  const restore = [`${commandOf(proxied.family, mode)}-restore`, "--noflush"];
  await must({ netns, argv: restore, stdin: iptablesRules(proxied) });
}

/** Takes it all away again, in both families. */
export async function forgetServices(netns: string, mode: Mode): Promise<void> {
  for (const family of ["ip", "ip6"] as const) {
    if (mode === "nftables") {
      await must({ netns, argv: ["nft", "delete", "table", family, "kube-proxy"] });
      continue;
    }
    const empty = ["*filter", "COMMIT", "*nat", "COMMIT", ""].join("\n");
    const restore = [`${commandOf(family, mode)}-restore`];
    await must({ netns, argv: restore, stdin: empty });
  }
}

const commandOf = (family: Proxied["family"], mode: Mode): string =>
  family === "ip" ? mode : mode.replace("iptables", "ip6tables");

const chainOf = ({ name, protocol }: Service): string => `default/${name}/${protocol}/p`;

/** As text for nft(8). */
export function nftablesRules(proxied: Proxied): string {
  const { family, serviceCidr, nodeAddresses, services } = proxied;
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const add = (what: string) => `add ${what.replace(" @ ", ` ${family} kube-proxy `)}`;
  const rule = (chain: string, text: string) => add(`rule @ ${chain} ${text}`);
  const hooked = (chain: string, hook: string) => add(`chain @ ${chain} { type ${hook} ; }`);
  const plain = ["cluster-ips-check", "mark-for-masquerade", "masquerading", "services"];
  return [
    `add table ${family} kube-proxy { comment "rules for kube-proxy" ; }`,
    add(`set @ cluster-ips { type ${address} ; }`),
    add(`set @ nodeport-ips { type ${address} ; }`),
    add(`map @ no-endpoint-services { type ${address} . inet_proto . inet_service : verdict ; }`),
    add("map @ no-endpoint-nodeports { type inet_proto . inet_service : verdict ; }"),
    add(`map @ service-ips { type ${address} . inet_proto . inet_service : verdict ; }`),
    add("map @ service-nodeports { type inet_proto . inet_service : verdict ; }"),
    ...[...plain, "nodeport-endpoints-check", "service-endpoints-check"].map((chain) =>
      add(`chain @ ${chain}`),
    ),
    hooked("filter-forward", "filter hook forward priority 0"),
    hooked("filter-input", "filter hook input priority 0"),
    hooked("filter-output", "filter hook output priority 0"),
    hooked("nat-output", "nat hook output priority -100"),
    hooked("nat-postrouting", "nat hook postrouting priority 100"),
    hooked("nat-prerouting", "nat hook prerouting priority -100"),
    rule("cluster-ips-check", `${family} daddr @cluster-ips reject`),
    rule("cluster-ips-check", `${family} daddr { ${serviceCidr} } drop`),
    rule("filter-forward", "ct state new jump service-endpoints-check"),
    rule("filter-forward", "ct state new jump cluster-ips-check"),
    rule("filter-input", "ct state new jump nodeport-endpoints-check"),
    rule("filter-input", "ct state new jump service-endpoints-check"),
    rule("filter-output", "ct state new jump service-endpoints-check"),
    rule("filter-output", "ct state new jump cluster-ips-check"),
    rule("mark-for-masquerade", "mark set mark or 0x4000"),
    rule("masquerading", "mark and 0x4000 == 0 return"),
    rule("masquerading", "mark set mark xor 0x4000"),
    rule("masquerading", "masquerade fully-random"),
    rule("nat-output", "jump services"),
    rule("nat-postrouting", "jump masquerading"),
    rule("nat-prerouting", "jump services"),
    rule(
      "nodeport-endpoints-check",
      `${family} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports`,
    ),
    rule(
      "service-endpoints-check",
      `${family} daddr . meta l4proto . th dport vmap @no-endpoint-services`,
    ),
    rule("services", `${family} daddr . meta l4proto . th dport vmap @service-ips`),
    rule(
      "services",
      `${family} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports`,
    ),
    add(`element @ nodeport-ips { ${nodeAddresses.join(", ")} }`),
    ...services.flatMap((service) => nftablesService(proxied, service).map(add)),
    "",
  ].join("\n");
}

function nftablesService({ family, podCidr }: Proxied, service: Service): readonly string[] {
  const { clusterIp, port, protocol, nodePort, externalTrafficPolicy, endpoints } = service;
  const name = chainOf(service);
  // A colon is no character of a name there.
  const endpointOf = ({ address, port }: Endpoint) =>
    `endpoint-${name}__${address.replaceAll(":", ".")}/${port}`;
  const here = endpoints.filter(({ local }) => local);
  const toHere = externalTrafficPolicy === "Local" && here.length > 0;
  const chains = ["service", "external", ...(toHere ? ["local"] : [])];
  const chosen = (some: readonly Endpoint[]) => {
    const ways = some.map((endpoint, index) => `${index} : goto ${endpointOf(endpoint)}`);
    return `numgen random mod ${some.length} vmap { ${ways.join(" , ")} }`;
  };
  const external =
    externalTrafficPolicy === "Local"
      ? [
          ...(podCidr === undefined ? [] : [`${family} saddr ${podCidr} goto service-${name}`]),
          "fib saddr type local jump mark-for-masquerade",
          `fib saddr type local goto service-${name}`,
          ...(toHere ? [`goto local-${name}`] : []),
        ]
      : ["jump mark-for-masquerade", `goto service-${name}`];
  return [
    ...endpoints.flatMap((endpoint) => {
      const { address, port } = endpoint;
      const chain = endpointOf(endpoint);
      const to = family === "ip" ? address : `[${address}]`;
      return [
        `chain @ ${chain}`,
        `rule @ ${chain} ${family} saddr ${address} jump mark-for-masquerade`,
        `rule @ ${chain} meta l4proto ${protocol} dnat to ${to}:${port}`,
      ];
    }),
    ...chains.map((kind) => `chain @ ${kind}-${name}`),
    ...(podCidr === undefined
      ? []
      : [
          `rule @ service-${name} ${family} daddr ${clusterIp} ${family} saddr != ${podCidr} jump mark-for-masquerade`,
        ]),
    `rule @ service-${name} ${chosen(endpoints)}`,
    ...(toHere ? [`rule @ local-${name} ${chosen(here)}`] : []),
    ...external.map((text) => `rule @ external-${name} ${text}`),
    `element @ cluster-ips { ${clusterIp} }`,
    `element @ service-ips { ${clusterIp} . ${protocol} . ${port} : goto service-${name} }`,
    ...(nodePort === undefined
      ? []
      : [`element @ service-nodeports { ${protocol} . ${nodePort} : goto external-${name} }`]),
  ];
}

/** As text for iptables-restore(8), --noflush. */
export function iptablesRules(proxied: Proxied): string {
  const services = proxied.services.map((service, index) =>
    iptablesService(proxied, service, `${index}`.padStart(16, "A")),
  );
  const filter = ["KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS"];
  const nat = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];
  const fresh = "-m conntrack --ctstate NEW";
  return [
    "*filter",
    ...[...filter, "KUBE-SERVICES", "KUBE-PROXY-FIREWALL"].map((chain) => `:${chain} - [0:0]`),
    `-A INPUT ${fresh} -j KUBE-PROXY-FIREWALL`,
    "-A INPUT -j KUBE-NODEPORTS",
    `-A INPUT ${fresh} -j KUBE-EXTERNAL-SERVICES`,
    `-A FORWARD ${fresh} -j KUBE-PROXY-FIREWALL`,
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    `-A FORWARD ${fresh} -j KUBE-SERVICES`,
    `-A FORWARD ${fresh} -j KUBE-EXTERNAL-SERVICES`,
    `-A OUTPUT ${fresh} -j KUBE-PROXY-FIREWALL`,
    `-A OUTPUT ${fresh} -j KUBE-SERVICES`,
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
    "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "COMMIT",
    "*nat",
    ...nat.map((chain) => `:${chain} - [0:0]`),
    ...services.flatMap(({ chains }) => chains.map((chain) => `:${chain} - [0:0]`)),
    "-A PREROUTING -j KUBE-SERVICES",
    "-A OUTPUT -j KUBE-SERVICES",
    "-A POSTROUTING -j KUBE-POSTROUTING",
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
    "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
    "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
    ...services.flatMap(({ rules }) => rules),
    // It must be the last one of its chain.
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    "COMMIT",
    "",
  ].join("\n");
}

function iptablesService({ family, podCidr }: Proxied, service: Service, hash: string) {
  const { clusterIp, port, protocol, nodePort, externalTrafficPolicy, endpoints } = service;
  const [svc, ext, svl] = [`KUBE-SVC-${hash}`, `KUBE-EXT-${hash}`, `KUBE-SVL-${hash}`];
  const sep = (endpoint: Endpoint) => `KUBE-SEP-${endpoints.indexOf(endpoint)}${hash.slice(1)}`;
  const toService = `-m ${protocol} -p ${protocol} -d ${clusterIp} --dport ${port}`;
  const fromLocal = "-m addrtype --src-type LOCAL";
  const choose = (chain: string, some: readonly Endpoint[]) =>
    some.map((endpoint, index) => {
      const probability = (1 / (some.length - index)).toFixed(10);
      const random = `-m statistic --mode random --probability ${probability}`;
      const how = index + 1 === some.length ? "" : ` ${random}`;
      return `-A ${chain}${how} -j ${sep(endpoint)}`;
    });
  const external =
    externalTrafficPolicy === "Local"
      ? [
          ...(podCidr === undefined ? [] : [`-A ${ext} -s ${podCidr} -j ${svc}`]),
          `-A ${ext} ${fromLocal} -j KUBE-MARK-MASQ`,
          `-A ${ext} ${fromLocal} -j ${svc}`,
          `-A ${ext} -j ${svl}`,
        ]
      : [`-A ${ext} -j KUBE-MARK-MASQ`, `-A ${ext} -j ${svc}`];
  const rules = [
    `-A KUBE-SERVICES ${toService} -j ${svc}`,
    ...(podCidr === undefined ? [] : [`-A ${svc} ${toService} ! -s ${podCidr} -j KUBE-MARK-MASQ`]),
    ...choose(svc, endpoints),
    ...choose(
      svl,
      endpoints.filter(({ local }) => local),
    ),
    ...(nodePort === undefined
      ? []
      : [`-A KUBE-NODEPORTS -m ${protocol} -p ${protocol} --dport ${nodePort} -j ${ext}`]),
    ...external,
    ...endpoints.flatMap((endpoint) => {
      const to = family === "ip" ? endpoint.address : `[${endpoint.address}]`;
      return [
        `-A ${sep(endpoint)} -s ${endpoint.address} -j KUBE-MARK-MASQ`,
        `-A ${sep(endpoint)} -m ${protocol} -p ${protocol} -j DNAT --to-destination ${to}:${endpoint.port}`,
      ];
    }),
  ];
  return { chains: [svc, ext, svl, ...endpoints.map(sep)], rules };
}
