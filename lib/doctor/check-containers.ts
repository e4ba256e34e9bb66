/** What is judged of networks and containers on this node: written down, plugged in, forwarded. */
import { isOuterLink } from "../attach/names.ts";
import { sameAttachment } from "../ipam/assignment.ts";
import { formatIp4 } from "../net/ip4.ts";
import type { LocalAssignment } from "../survey/here.ts";
import type { SwitchPort } from "../survey/switch.ts";
import {
  broken,
  type Check,
  notKnown,
  ofNode,
  ok,
  type Verdict,
  valueIn,
  warning,
} from "./check.ts";
import { insideCheck } from "./check-inside.ts";
import type { ForeignFlow, NodeFacts } from "./facts.ts";
import { attachmentName, counted, hasBridge, haveItPutRight, isAgentRunning } from "./remedies.ts";

const standing: Check = {
  id: "networks.standing",
  asks: "Whether each network that this node has an address in has its own link (sp-NETWORK) here, its addresses, and its place in our nftables table.",
  remedy:
    "`socketplane agent restart`, which puts them back; without an agent, the next ADD of the network does, except where single rules are missing.",
  needs: ["switch.openflow", "machine.rights"],
  judge: ofNode((node) => {
    const verdicts = node.networks.flatMap(({ held, faults }): readonly Verdict[] => {
      const subject = `network "${held.stored.network.name}"`;
      if (!faults.known) return [{ state: "unknown", subject, seen: faults.why }];
      if (faults.value.length === 0) return [];
      return [broken({ subject, seen: faults.value.join("; "), todo: haveItPutRight(node) })];
    });
    if (verdicts.length > 0) return verdicts;
    const names = node.networks.map(({ held }) => held.stored.network.name);
    return [ok(names.length === 0 ? "none on this machine yet" : names.join(", "))];
  }),
};

const listed: Check = {
  id: "networks.listed",
  asks: "Whether the networks that our network lists name are there, or are made on first use (`subnet`).",
  remedy: '`socketplane network create NAME SUBNET`, or `"subnet"` in the network list.',
  needs: ["files.lists", "store.reachable"],
  judge: ofNode((node, { lists }) => {
    const there = new Set(valueIn(node.survey.cluster)?.networks.map(({ name }) => name));
    const own = (valueIn(lists.found) ?? []).flatMap(({ file, networks }) =>
      networks.map((network) => ({ file, ...network })),
    );
    const missing = own.filter(({ name, isMade }) => !isMade && !there.has(name));
    if (missing.length === 0)
      return own.length === 0 ? [] : [ok([...new Set(own.map(({ name }) => name))].join(", "))];
    return missing.map(({ file, name }) =>
      broken({
        subject: file,
        seen: `there is no network "${name}"`,
        todo: `socketplane network create ${name}`,
      }),
    );
  }),
};

const assignmentsOf = ({ survey }: NodeFacts): readonly LocalAssignment[] =>
  (valueIn(survey.here)?.assignments ?? []).filter(({ isOwn }) => !isOwn);

const assigned: Check = {
  id: "containers.assigned",
  asks: "Whether each address that is written down on this node has a container: its link is there.",
  remedy: "`socketplane rm --force NAME`; an agent takes such ones away by itself after a while.",
  needs: ["switch.bridge"],
  judge: ofNode((node) => {
    const { here } = node.survey;
    if (!here.known) return notKnown(here);
    const all = assignmentsOf(node);
    const verdicts = all.flatMap((one): readonly Verdict[] => {
      const subject = attachmentName(one);
      const address = `${formatIp4(one.address)} of network "${one.network}"`;
      const todo = `socketplane rm --force ${one.id.containerId}`;
      if (one.state === "gone") {
        return [
          warning({
            subject,
            seen: `${address} is written down for it, and it is gone: link "${one.link}" is not there`,
            todo,
          }),
        ];
      }
      if (one.isHeld) return [];
      return [
        warning({
          subject,
          seen: `${address} was begun to be given to it, and is not its own`,
          todo: "Have its runtime take it away (DEL), and make it again",
        }),
      ];
    });
    if (verdicts.length > 0) return verdicts;
    return [ok(all.length === 0 ? "none on this machine" : `${all.length}, each with its link`)];
  }),
};

/** The ports of containers, by the link that they are of. */
const portsOf = ({ survey }: NodeFacts): readonly SwitchPort[] =>
  (valueIn(survey.switch)?.ports ?? []).filter(
    ({ name, row }) => row?.role === "attachment" || (row === undefined && isOuterLink(name)),
  );

const plugged: Check = {
  id: "containers.plugged",
  asks: "Whether each container's link is in the bridge, under the port number that is written down for it, and up.",
  remedy: "`socketplane agent restart`, which plugs it in again.",
  needs: ["switch.bridge"],
  judge: ofNode((node) => {
    const ports = new Map(valueIn(node.survey.switch)?.ports.map((port) => [port.name, port]));
    const living = assignmentsOf(node).filter(({ state, isHeld }) => state === "alive" && isHeld);
    const verdicts = living.flatMap((one): readonly Verdict[] => {
      const subject = attachmentName(one);
      const port = ports.get(one.link);
      const up = node.links.get(one.link)?.up !== false;
      const put = haveItPutRight(node);
      if (port?.bridge === undefined) {
        return [
          broken({ subject, seen: `its port "${one.link}" is gone from the switch`, todo: put }),
        ];
      }
      if (port.bridge !== node.config.ovs.bridge) {
        return [
          broken({
            subject,
            seen: `its port "${one.link}" is on bridge "${port.bridge}"`,
            todo: `ovs-vsctl del-port ${port.bridge} ${one.link}; then: ${put}`,
          }),
        ];
      }
      if (port.ofport !== one.ofport) {
        const seen =
          port.error ?? `port "${one.link}" has number ${port.ofport ?? "none"}, not ${one.ofport}`;
        return [
          broken({
            subject,
            seen,
            todo: `ovs-vsctl del-port ${port.bridge} ${one.link}; then: ${put}`,
          }),
        ];
      }
      if (up) return [];
      return [
        broken({
          subject,
          seen: `its link "${one.link}" is down`,
          todo: `ip link set ${one.link} up`,
        }),
      ];
    });
    if (verdicts.length > 0 || living.length === 0) return verdicts;
    return [ok(`${living.length} in bridge "${node.config.ovs.bridge}"`)];
  }),
};

const ports: Check = {
  id: "containers.ports",
  asks: "Whether each container's port in the switch is written down on this node, with an address.",
  remedy:
    "Where its container lives: `socketplane agent restart`, which writes it down again. Else `ovs-vsctl del-port` takes it away.",
  needs: ["switch.bridge"],
  judge: ofNode((node) => {
    const written = assignmentsOf(node);
    const strange = portsOf(node).filter(({ name, row }) =>
      row?.role === "attachment"
        ? !written.some(({ id }) => sameAttachment(id, row.id))
        : !written.some(({ link }) => link === name),
    );
    return strange.map((port) => {
      const { name, row, bridge = node.config.ovs.bridge } = port;
      const subject = `port "${name}"`;
      const whose =
        row?.role === "attachment" ? ` It says it is of container ${row.id.containerId}.` : "";
      const seen = `it is in the switch, and nothing is written down of it.${whose}`;
      const lives =
        row?.role === "attachment" && node.links.has(name) && row.boot === node.survey.self.boot;
      if (lives) return broken({ subject, seen, todo: haveItPutRight(node) });
      return warning({ subject, seen, todo: `ovs-vsctl del-port ${bridge} ${name}` });
    });
  }),
};

const flows: Check = {
  id: "containers.flows",
  asks: "Whether the switch has the flows that follow from what this node knows, all of them and no others.",
  remedy:
    "`socketplane agent restart`, which puts all in; an agent that runs does it by itself within a minute. It leaves alone what others have put in: `ovs-ofctl del-flows`, with the cookie that is named.",
  needs: ["switch.openflow", "containers.plugged"],
  judge: ofNode((node) => {
    if (!hasBridge(node)) return [];
    if (!node.flows.known) return notKnown(node.flows);
    const { wanted, missing, strange, foreign } = node.flows.value;
    const ofOthers = foreign.length === 0 ? [] : [foreignVerdict(node, foreign)];
    if (missing.length + strange.length === 0)
      return foreign.length > 0 ? ofOthers : [ok(`${wanted}, as they should be`)];
    const said = [
      ...(missing.length === 0 ? [] : [`${missing.length} of ${wanted} flows are missing`]),
      ...(strange.length === 0 ? [] : [`${strange.length} are there that should not be`]),
    ].join(", ");
    const [first] = [...missing, ...strange];
    const soon = isAgentRunning(node) ? "; the agent does it by itself within a minute" : "";
    const todo = `${haveItPutRight(node)}${soon}`;
    return [broken({ seen: `${said}: ${first}`, todo }), ...ofOthers];
  }),
};

/** The agent goes by our cookies, and never takes those of others away. */
function foreignVerdict({ config: { ovs } }: NodeFacts, foreign: readonly ForeignFlow[]): Verdict {
  const flows = `${counted(foreign.length, "flow")} that ${foreign.length === 1 ? "is" : "are"} not ours`;
  const bridge = ovs.runDir === usualRunDir ? ovs.bridge : `${ovs.runDir}/${ovs.bridge}.mgmt`;
  const cookies = [...new Set(foreign.map(({ cookie }) => `0x${cookie.toString(16)}`))];
  const deletions = cookies
    .slice(0, mostNamed)
    .map((cookie) => `ovs-ofctl -O OpenFlow15 del-flows ${bridge} cookie=${cookie}/-1`);
  return broken({
    seen: `${flows}: ${foreign[0]?.text}`,
    todo: [...deletions, "and see who puts them in: the bridge is to be SocketPlane's alone"].join(
      "\n",
    ),
  });
}

/** Where ovs-ofctl(8) looks for a bridge by its name. */
const usualRunDir = "/var/run/openvswitch";
/** Of the cookies that others use. */
const mostNamed = 3;

export const networkChecks: readonly Check[] = [standing, listed];
export const containerChecks: readonly Check[] = [assigned, plugged, insideCheck, ports, flows];
