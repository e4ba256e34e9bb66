/** What is judged of the store: etcd, its certificates. See doctor.ts for the folder's note. */
import {
  broken,
  type Check,
  ofNode,
  ok,
  unknown,
  type Verdict,
  valueIn,
  warning,
} from "./check.ts";
import { byWayOfLink, linkFault } from "./check-link.ts";
import type { CertificateFile, EndpointFacts, NodeFacts } from "./facts.ts";
import { byWayOfSwitch, counted, switchFault } from "./remedies.ts";

const look =
  "systemctl status etcd, on the machine that has it\nWhere it runs: does a firewall let TCP port 2379 pass, and is store.endpoints in node.json right?";

/** Where this node's agent runs the etcd, and does not run. */
const startOf = ({ config }: NodeFacts): string | undefined =>
  config.etcd === undefined
    ? undefined
    : "This node's agent runs the etcd: socketplane agent start";

const certificates: Check = {
  id: "store.certificates",
  asks: "Whether the certificates that node.json names can be read, and are valid today: the one thing here that goes by the clock.",
  remedy:
    "Make the certificate anew. In a cluster that `socketplane cluster` has made, the agent renews its node's in time: `socketplane agent start`, or join again.",
  needs: ["files.node-json"],
  without: "this node's certificates can't be used",
  judge: ofNode(({ certificates, now }) => {
    const verdicts = certificates.map((one) => ofCertificate(one, now));
    const faulty = verdicts.filter(({ state }) => state !== "ok");
    return faulty.length > 0 ? faulty : verdicts;
  }),
};

const dayMs = 86_400_000;
const soonMs = 14 * dayMs;

function ofCertificate({ key, path, valid }: CertificateFile, now: number): Verdict {
  const subject = `store.tls.${key}`;
  if (valid === undefined) {
    const seen = `${path} has no certificate that can be read`;
    return broken({ subject, seen, todo: `Put it there, or correct ${subject} in node.json` });
  }
  const [from, until] = [dayOf(valid.from), dayOf(valid.until)];
  if (now < valid.from) {
    const seen = `${path} is valid from ${from} on, and today is ${dayOf(now)}`;
    return broken({
      subject,
      seen,
      todo: "Set this machine's clock right (timedatectl), or make the certificate anew",
    });
  }
  const again = `Make ${path} anew; one of socketplane cluster's is renewed by the agent: socketplane agent start`;
  if (now > valid.until)
    return broken({ subject, seen: `${path} has ended on ${until}`, todo: again });
  if (valid.until - now < soonMs) {
    return warning({ subject, seen: `${path} ends on ${until}`, todo: again });
  }
  return ok(`${path}, until ${until}`, subject);
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const reachable: Check = {
  id: "store.reachable",
  asks: "Whether the store answers: each endpoint of etcd is asked by itself, with this node's certificates and user; or the embedded store's file is read.",
  remedy:
    "Away: start etcd, or correct `store.endpoints`. It refuses: correct what it names, in node.json or there: certificate, user, permission, space. Containers go on, and start on nodes that have free addresses.",
  needs: ["files.node-json", "store.certificates"],
  without: "the store can't be read",
  judge: ofNode((node, facts) => {
    const { config, survey, endpoints } = node;
    if (config.store.type === "file") return [ofFile(node, facts.rights.user)];
    const told = endpoints.map((one) => ofEndpoint(one, node));
    if (survey.cluster.known) {
      const faulty = told.filter(({ state }) => state !== "ok");
      const fine = ok(`etcd at ${endpoints.map(({ url }) => url).join(", ")}`);
      // Others answer in its place.
      return faulty.length === 0 ? [fine] : faulty.map((one) => ({ ...one, state: "warning" }));
    }
    const because = switchFault(node);
    const isAway = endpoints.every((one) => one.state === "away");
    if (isAway && !endpoints.every(isHere) && linkFault(facts) !== undefined) return [byWayOfLink];
    if (because !== undefined && isAway && isOnSwitch(node)) return [byWayOfSwitch(because)];
    const bad = told.filter(({ state }) => state !== "ok");
    if (bad.length > 0) return bad;
    const { why, todo = look } = survey.cluster;
    return [broken({ seen: why, todo })];
  }),
};

/** Whether the underlay is a bridge of Open vSwitch, as far as the kernel tells; or is gone. */
function isOnSwitch({ survey: { self } }: NodeFacts): boolean {
  const link = valueIn(self.underlay);
  return link === undefined || link.kind === "tun" || link.kind === "openvswitch";
}

/** What this machine asks itself for passes no link. */
const isHere = ({ url }: EndpointFacts): boolean =>
  /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(url);

function ofEndpoint(
  { url: subject, state, why = "", todo }: EndpointFacts,
  node: NodeFacts,
): Verdict {
  switch (state) {
    case "well":
      return ok("it answers", subject);
    case "away":
      return broken({ subject, seen: why, todo: startOf(node) ?? look });
    case "refused":
      return broken({ subject, seen: why, todo: todo ?? "Correct it in node.json, or there" });
  }
}

function ofFile({ config, survey, isStoreAbsent }: NodeFacts, user: number): Verdict {
  if (config.store.type !== "file") return unknown("it is another one");
  const { path } = config.store;
  if (isStoreAbsent) return ok(`${path} is not there yet: the first network makes it`);
  if (survey.cluster.known) return ok(`the embedded one, in ${path}`);
  const { why, todo } = survey.cluster;
  return user === 0
    ? broken({ seen: why, todo: todo ?? `Look at ${path}: it is to be root's alone` })
    : unknown(why);
}

const readable: Check = {
  id: "store.records",
  asks: "Whether all records in the store can be read by this version.",
  remedy:
    "Where another version wrote them: install the same version everywhere. Else take away what is named, if you know what it is.",
  needs: ["store.reachable"],
  judge: ofNode(({ survey: { cluster } }) => {
    if (!cluster.known) return [];
    const { unreadable, networks, nodes } = cluster.value;
    if (unreadable.length > 0) {
      const seen = `${unreadable.slice(0, 3).join(", ")}${unreadable.length > 3 ? ` and ${unreadable.length - 3} more` : ""} can't be read`;
      return [
        warning({
          seen,
          todo: "Run the same version of SocketPlane on all nodes; else take those keys away",
        }),
      ];
    }
    return [ok(`${counted(networks.length, "network")}, ${counted(nodes.length, "node")}`)];
  }),
};

export const storeChecks: readonly Check[] = [certificates, reachable, readable];
