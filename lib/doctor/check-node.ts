/** What is judged of this node in its cluster, and of its agent. See doctor.ts. */
import { formatVtep, sameVtep } from "../ipam/nodes.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import {
  broken,
  type Check,
  inCluster,
  ofNode,
  ok,
  type Verdict,
  valueIn,
  warning,
} from "./check.ts";
import type { Facts } from "./facts.ts";
import { byWayOfSwitch, counted, isAgentRunning, switchFault } from "./remedies.ts";

const name: Check = {
  id: "node.name",
  asks: "Whether this node has a name: `node` in node.json, or the hostname.",
  remedy: "`hostnamectl set-hostname NAME`, or `node` in node.json.",
  needs: ["files.node-json"],
  without: "this node has no name",
  judge: ofNode(({ survey: { self } }) =>
    self.name.known
      ? [ok(self.name.value)]
      : [broken({ seen: self.name.why, todo: self.name.todo ?? 'Set "node" in node.json' })],
  ),
};

const vtep: Check = {
  id: "node.vtep",
  asks: "Whether this node has the address that its VXLAN traffic uses, on a link that is up.",
  remedy: 'Give the link its address, or set `"vtep"` in node.json: `{ "interface": "eth0" }`.',
  applies: inCluster,
  needs: ["files.node-json"],
  without: "this node has no VTEP address",
  judge: ofNode((node) => {
    const { self } = node.survey;
    const because = switchFault(node);
    // Of a bridge that went with the switch.
    if (!self.vtep.known && because !== undefined) return [byWayOfSwitch(because)];
    if (!self.vtep.known) {
      const todo = self.vtep.todo ?? 'Set "vtep" in node.json: { "interface": "eth0" }';
      return [broken({ seen: self.vtep.why, todo })];
    }
    const link = valueIn(self.underlay);
    const address = self.vtep.value === undefined ? "none" : formatVtep(self.vtep.value);
    if (link?.up === false) {
      const seen = `${address} is on link "${link.name}", which is down`;
      return [broken({ seen, todo: `ip link set ${link.name} up` })];
    }
    return [
      ok(link === undefined ? address : `${address} on link "${link.name}", MTU ${link.mtu}`),
    ];
  }),
};

const registered: Check = {
  id: "node.registered",
  asks: "Whether this machine is the one that is registered under its name, and with its VTEP.",
  remedy:
    "Give each machine a name of its own (`node` in node.json) and an address of its own. Where this one stands in for a machine that is gone: `socketplane node remove NAME`.",
  applies: inCluster,
  needs: ["store.reachable", "node.name", "node.vtep"],
  without: "this node is not registered as itself",
  judge: ofNode(({ survey: { self, cluster } }) => {
    if (!cluster.known || !self.name.known) return [];
    const { nodes } = cluster.value;
    const node = self.name.value;
    const own = nodes.find((one) => one.name === node);
    const address = valueIn(self.vtep);
    const other = nodes.find((one) => one.name !== node && sameVtep(one.vtep, address));
    const named = 'a name of its own: "node" in node.json';
    if (own !== undefined && own.machineId !== self.machineId) {
      const seen = `another machine (${own.machineId}) is registered as "${node}"${own.agent ? ", and its agent runs" : ""}; this one is ${self.machineId}`;
      const todo = `Give this machine ${named}. If it stands in for that one: socketplane node remove ${node}`;
      return [broken({ seen, todo })];
    }
    if (other !== undefined && address !== undefined) {
      const seen = `node "${other.name}" is registered with ${formatVtep(address)}, which this machine has`;
      const todo = `Give this machine an address of its own ("vtep" in node.json). If that node is gone for good: socketplane node remove ${other.name}`;
      return [broken({ seen, todo })];
    }
    if (own === undefined)
      return [ok(`"${node}" is not registered yet: the first ADD, or the agent, does it`)];
    if (!sameVtep(own.vtep, address)) {
      const [before, now] = [own.vtep, address].map((one) => (one ? formatVtep(one) : "none"));
      const seen = `"${node}" is registered with VTEP ${before}, and this machine has ${now}`;
      const todo = `If this machine is a copy of that one: give it ${named}, and an /etc/machine-id of its own. If its address has changed: socketplane agent restart, or socketplane node remove ${node}`;
      return [broken({ seen, todo })];
    }
    return [ok(`"${node}"`)];
  }),
};

const agent: Check = {
  id: "agent.running",
  asks: "Whether the agent runs, and answers at its address (`agent.listen`).",
  remedy: "`socketplane agent start`, and where it ends again, `socketplane agent logs`.",
  needs: ["files.node-json"],
  without: "the agent does not run",
  judge: ofNode((node) => {
    const { survey, agent, config } = node;
    const { host, port } = config.agent.listen;
    if (survey.agent.known) return [ok(`it answers at ${host}:${port}`)];
    if (isAgentRunning(node)) {
      const seen = `it runs (process ${agent.pid ?? "?"}), and does not answer at ${host}:${port}`;
      return [warning({ seen, todo: "socketplane agent logs; then: socketplane agent restart" })];
    }
    // A machine that is alone has nobody to follow.
    if (config.store.type === "file") {
      return [ok("it does not run: on a machine that is alone, plugins do without")];
    }
    const why = agent.reason === undefined ? "" : ` (${agent.reason})`;
    const seen = `it does not run${why}: what changes elsewhere reaches this node with its next ADD only`;
    return [warning({ seen, todo: "socketplane agent start" })];
  }),
};

/** On a machine that is alone, it need not be. */
const hasAgent = (facts: Facts): boolean =>
  inCluster(facts) || facts.node?.survey.agent.known === true;

const health: Check = {
  id: "agent.health",
  asks: "What the agent says of itself (/healthz).",
  remedy: "What it names; it goes on trying. `socketplane agent logs` says more.",
  applies: hasAgent,
  needs: ["store.reachable", "switch.openflow", "node.registered", "agent.running"],
  judge: ofNode(({ survey: { agent } }) => {
    if (!agent.known) return [];
    const told = Object.entries(agent.value.said);
    const more = "socketplane agent logs";
    if (agent.value.isWell && told.length === 0) return [ok("it is well")];
    return told.map(([subject, seen]): Verdict => warning({ subject, seen, todo: more }));
  }),
};

const fresh: Check = {
  id: "agent.caches",
  asks: "Whether the agent keeps what this node has of the store up to date: leases, peers, policies.",
  remedy: "`socketplane agent restart`, and `socketplane agent logs` for why it does not follow.",
  applies: hasAgent,
  needs: ["store.reachable", "agent.running"],
  judge: ofNode(({ survey }) => {
    const here = valueIn(survey.here);
    if (here === undefined || !survey.agent.known || here.networks.length === 0) return [];
    if (here.isKept) return [ok(`up to date, of ${counted(here.networks.length, "network")}`)];
    const seen = "the agent runs, and does not follow the store";
    return [warning({ seen, todo: "socketplane agent logs; then: socketplane agent restart" })];
  }),
};

const leases: Check = {
  id: "node.leases",
  asks: "Whether this node holds the leases that the store says it has, and no others.",
  remedy:
    "`socketplane agent restart` reads all of them again. Containers with addresses of a lost lease are to be made again: another node may give the same ones.",
  needs: ["store.reachable", "node.name", "node.registered"],
  judge: ofNode(({ survey: { self, cluster, here } }) => {
    if (!cluster.known || !here.known || !self.name.known) return [];
    const node = self.name.value;
    const own = cluster.value.nodes.find((one) => one.name === node);
    const theirs = cluster.value.leases.filter((lease) => lease.node === node);
    const verdicts = here.value.networks.flatMap(
      ({ name: network, held, lost }): readonly Verdict[] => {
        const subject = `network "${network}"`;
        const gone: Verdict[] =
          lost.length === 0
            ? []
            : [
                broken({
                  subject,
                  seen: `containers have addresses of a lease that this node has lost: ${lost.map(({ id }) => id.containerId).join(", ")}`,
                  todo: "Have their runtime make them again",
                }),
              ];
        if (held === undefined) return gone;
        const stored = theirs.filter(
          (lease) => lease.network === network && lease.revision > (own?.createRevision ?? 0),
        );
        const names = (list: readonly { readonly prefix: (typeof stored)[number]["prefix"] }[]) =>
          list.map(({ prefix }) => formatPrefix4(prefix));
        const inStore = new Set(names(stored));
        const inCache = new Set(names(held.blocks));
        const notHeld = names(stored.filter(({ revision }) => revision <= held.revision)).filter(
          (one) => !inCache.has(one),
        );
        const notOurs = [...inCache].filter((one) => !inStore.has(one));
        const again = "socketplane agent restart; without an agent, the next ADD reads them again";
        return [
          ...gone,
          ...(notHeld.length === 0
            ? []
            : [
                broken({
                  subject,
                  seen: `the store says that this node holds ${notHeld.join(", ")}, and it does not`,
                  todo: again,
                }),
              ]),
          ...(notOurs.length === 0
            ? []
            : [
                broken({
                  subject,
                  seen: `this node holds ${notOurs.join(", ")}, and the store does not say so`,
                  todo: again,
                }),
              ]),
        ];
      },
    );
    return verdicts.length > 0 ? verdicts : [ok(countOf(theirs.length))];
  }),
};

export const nodeChecks: readonly Check[] = [name, vtep, registered, leases];
export const agentChecks: readonly Check[] = [agent, health, fresh];

const countOf = (leases: number): string =>
  leases === 0 ? "none yet" : `${leases}, as the store has them`;
