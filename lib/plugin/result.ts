/** What the plugins answer: pure. */

import type { Connected } from "../attach/connect.ts";
import type { AttachmentPlan, WantedRoute } from "../attach/plan.ts";
import type { Config } from "../cni/config.ts";
import { type Dns, noDns, type Result, type ResultIp, type ResultRoute } from "../cni/result.ts";
import { Failure } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import type { Network } from "../ipam/network.ts";
import { isObject } from "../json.ts";
import { type Ip4, parseIp4 } from "../net/ip4.ts";
import { type Ip6, parseIp6 } from "../net/ip6.ts";
import { ip6Of } from "../net/mac.ts";
import type { PluginConfig } from "./config.ts";

/** The addresses of an assignment, with the gateway; without interfaces, as an IPAM plugin has it. */
export function ipsOf(network: Network, assignment: Assignment): readonly ResultIp[] {
  const { subnet, subnet6, gateway } = network;
  const { address } = assignment;
  const ip4: ResultIp = { family: 4, address, length: subnet.length, gateway };
  if (subnet6 === undefined) return [ip4];
  return [
    ip4,
    {
      family: 6,
      address: ip6Of(subnet6, address),
      length: subnet6.length,
      gateway: ip6Of(subnet6, gateway),
    },
  ];
}

const everywhere4 = { base: 0 as Ip4, length: 0 };
const everywhere6 = { base: 0n as Ip6, length: 0 };

export const routesOf = (routes: readonly WantedRoute[]): readonly ResultRoute[] =>
  routes.map((route): ResultRoute => {
    const { options = {} } = route;
    return route.family === 4
      ? { family: 4, dst: route.to ?? everywhere4, gateway: route.via, options }
      : { family: 6, dst: route.to ?? everywhere6, gateway: route.via, options };
  });

/** What an ADD made, after what the plugins before it in the list had made. */
export function resultOf(
  plan: AttachmentPlan,
  connected: Connected,
  place: { readonly netns: string; readonly previous: Result | undefined; readonly dns: Dns },
): Result {
  const { previous } = place;
  const interfaces = previous?.interfaces ?? [];
  const inner = interfaces.length + 1;
  return {
    interfaces: [
      ...interfaces,
      { ...connected.outer, mtu: plan.mtu },
      { name: plan.inner, mac: plan.assignment.mac, mtu: plan.mtu, sandbox: place.netns },
    ],
    ips: [
      ...(previous?.ips ?? []),
      ...ipsOf(plan.network, plan.assignment).map((ip) => ({ ...ip, interface: inner })),
    ],
    routes: [
      ...(previous?.routes ?? []),
      ...routesOf([...connected.defaultRoutes, ...plan.routes]),
    ],
    dns: place.dns,
  };
}

/** What the configuration says of DNS: of the file it names, else of its own `dns`. */
export function dnsOf(
  world: { readonly readFile: (path: string) => string | undefined },
  { resolvConf }: Pick<PluginConfig, "resolvConf">,
  config: Config,
): Dns {
  if (resolvConf === undefined || resolvConf === "") return parseDns(config.raw.dns);
  const text = world.readFile(resolvConf);
  if (text !== undefined) return parseResolvConf(text);
  throw new Failure("invalid-config", `Cannot read "resolvConf" ${resolvConf}: there is none`);
}

function parseDns(value: unknown): Dns {
  if (!isObject(value)) return noDns;
  const texts = (key: string) => {
    const list = value[key];
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  };
  const { domain } = value;
  return {
    nameservers: texts("nameservers"),
    domain: typeof domain === "string" ? domain : undefined,
    search: texts("search"),
    options: texts("options"),
  };
}

/** Reads a resolv.conf (resolv.conf(5)); nameservers that are no addresses are passed over. */
export function parseResolvConf(text: string): Dns {
  const nameservers: string[] = [];
  let domain: string | undefined;
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [key, ...values] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    const [first = ""] = values;
    if (key === "nameserver" && (parseIp4(first) ?? parseIp6(first)) !== undefined) {
      nameservers.push(first);
    } else if (key === "domain" && first !== "") domain = first;
    else if (key === "search") search = values;
    else if (key === "options") options.push(...values);
  }
  return { nameservers, domain, search, options };
}
