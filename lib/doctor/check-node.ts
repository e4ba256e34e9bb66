/** What is judged of this node in its cluster. See doctor.ts for the folder's note. */
import { isOf } from "../ipam/leases.ts";
import { formatVtep, sameVtep } from "../ipam/nodes.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { broken, type Check, inCluster, ofNode, ok, type Verdict, valueIn } from "./check.ts";
import { byWayOfLink, linkFault } from "./check-link.ts";
import { byWayOfSwitch, haveItPutRight, switchFault } from "./remedies.ts";

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
  asks: "Whether this node has the address that its VXLAN traffic uses.",
  remedy: 'Give the link its address, or set `"vtep"` in node.json: `{ "interface": "eth0" }`.',
  applies: inCluster,
  needs: ["files.node-json"],
  without: "this node has no VTEP address",
  judge: ofNode((node, facts) => {
    const { self } = node.survey;
    const because = switchFault(node);
    // A link that is down may lose its addresses and routes.
    if (!self.vtep.known && linkFault(facts) !== undefined) return [byWayOfLink];
    // Of a bridge that went with the switch.
    if (!self.vtep.known && because !== undefined) return [byWayOfSwitch(because)];
    if (!self.vtep.known) {
      const todo = self.vtep.todo ?? 'Set "vtep" in node.json: { "interface": "eth0" }';
      return [broken({ seen: self.vtep.why, todo })];
    }
    const link = valueIn(self.underlay);
    const address = self.vtep.value === undefined ? "none" : formatVtep(self.vtep.value);
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

const peers: Check = {
  id: "node.peers",
  asks: "Where no agent keeps it up to date: whether this node knows of all leases that other nodes have in its networks, by which their containers are reached.",
  remedy: "`socketplane agent start`; without an agent, this node's next ADD in the network.",
  applies: inCluster,
  needs: ["node.leases"],
  without: "this node does not know of all leases of the others",
  judge: ofNode((node) => {
    const { self, cluster, here } = node.survey;
    if (!cluster.known || !here.known || !self.name.known) return [];
    const { nodes, leases } = cluster.value;
    const own = self.name.value;
    const registered = new Map(nodes.map((one) => [one.name, one]));
    // What an agent takes in is newer by now than what was read here before.
    const standing = here.value.isKept
      ? []
      : here.value.networks.filter(({ name }) =>
          node.networks.some(({ held }) => held.stored.network.name === name),
        );
    return standing.flatMap(({ name: network, peers }): readonly Verdict[] => {
      const known = new Set(peers.map(({ prefix }) => formatPrefix4(prefix)));
      const missing = leases.filter((lease) => {
        const of = registered.get(lease.node);
        const isTheirs = lease.network === network && lease.node !== own;
        if (!isTheirs || of === undefined || !isOf(lease, of)) return false;
        return !known.has(formatPrefix4(lease.prefix));
      });
      if (missing.length === 0) return [];
      const said = missing.slice(0, 3).map((one) => `${formatPrefix4(one.prefix)} of ${one.node}`);
      const more = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
      const seen = `this node does not know of ${said.join(", ")}${more}: containers there are not reached`;
      return [broken({ subject: `network "${network}"`, seen, todo: haveItPutRight(node) })];
    });
  }),
};

export const nodeChecks: readonly Check[] = [name, vtep, registered, leases, peers];

const countOf = (leases: number): string =>
  leases === 0 ? "none yet" : `${leases}, as the store has them`;
