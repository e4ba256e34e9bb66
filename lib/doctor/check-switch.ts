/** What is judged of Open vSwitch and its bridge. See doctor.ts for the folder's note. */

import { isAsOurs } from "../attach/bridge-rows.ts";
import { tunnelName } from "../attach/names.ts";
import {
  broken,
  type Check,
  inCluster,
  notKnown,
  ofNode,
  ok,
  unknown,
  valueIn,
  warning,
} from "./check.ts";
import type { NodeFacts } from "./facts.ts";
import { bridgeOf, haveItPutRight } from "./remedies.ts";

const start = "systemctl start openvswitch-switch";
const install =
  'apt-get install openvswitch-switch\nWhere it runs in a container: say where its sockets are, by "ovs.runDir" in node.json';

/** Its programs are there, and may be another's: those of an image, or what a package left. */
const startOrInstall = `${start}\nWhere it is not installed: ${install}`;

const database: Check = {
  id: "switch.database",
  asks: "Whether ovsdb-server answers at db.sock, in `ovs.runDir` of node.json.",
  remedy: `\`${start}\`; where Open vSwitch is not installed, \`apt-get install openvswitch-switch\`. Where its sockets are elsewhere, \`ovs.runDir\` in node.json.`,
  needs: ["files.node-json"],
  without: "Open vSwitch is down",
  judge: ofNode(({ survey, config, isOvsInstalled }, { rights }) => {
    const { switch: found } = survey;
    if (found.known)
      return [
        ok(`Open vSwitch ${found.value.version ?? "of an unknown version"}, ${config.ovs.runDir}`),
      ];
    if (rights.user !== 0) return [unknown(found.why)];
    const todo = isOvsInstalled ? startOrInstall : install;
    return [broken({ seen: found.why, todo })];
  }),
};

/** Whether anything on this node needs the bridge by now. */
const isUsed = ({ survey }: NodeFacts): boolean =>
  (valueIn(survey.here)?.assignments.length ?? 0) > 0;

const bridge: Check = {
  id: "switch.bridge",
  asks: "Whether the bridge is there, and is as ours are: fail_mode secure, OpenFlow 1.5, of the datapath that node.json asks for.",
  remedy:
    "`socketplane agent restart`, which makes the bridge again with all its ports; where no agent runs, `socketplane agent start`.",
  needs: ["switch.database"],
  without: "the bridge is not as it has to be",
  judge: ofNode((node) => {
    const { config, datapath } = node;
    const { bridge: name } = config.ovs;
    const found = bridgeOf(node);
    const todo = haveItPutRight(node);
    if (found === undefined) {
      if (!isUsed(node)) return [ok(`there is no bridge "${name}" yet: the first ADD makes it`)];
      const seen = `bridge "${name}" is gone: no container of this machine reaches anything`;
      return [broken({ seen, todo })];
    }
    if (!found.isOurs) {
      return [
        broken({
          seen: `bridge "${name}" is there, and not ours`,
          todo: `Give another name ("ovs.bridge" in node.json), or hand it over: ovs-vsctl set bridge ${name} external_ids:socketplane=bridge`,
        }),
      ];
    }
    if (!isAsOurs(found)) {
      const seen = `bridge "${name}" has fail_mode ${found.failMode ?? "unset"} and protocols ${found.protocols.join(", ") || "unset"}`;
      const todo = `ovs-vsctl set bridge ${name} fail_mode=secure protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15`;
      return [broken({ seen, todo })];
    }
    if (config.ovs.datapath !== "auto" && found.datapath !== datapath) {
      const seen = `bridge "${name}" is of datapath ${found.datapath}, and node.json asks for ${datapath}`;
      return [warning({ seen, todo: `ovs-vsctl set bridge ${name} datapath_type=${datapath}` })];
    }
    return [ok(`"${name}", datapath ${found.datapath}`)];
  }),
};

const openflow: Check = {
  id: "switch.openflow",
  asks: "Whether ovs-vswitchd answers at `BRIDGE.mgmt`, in `ovs.runDir`.",
  remedy:
    "`systemctl restart openvswitch-switch`, and its log: /var/log/openvswitch/ovs-vswitchd.log.",
  needs: ["switch.bridge"],
  without: "ovs-vswitchd does not answer",
  judge: ofNode((node, { rights }) => {
    const { flows } = node.survey;
    if (bridgeOf(node) === undefined) return [];
    if (flows.known) return [ok(`ovs-vswitchd answers at ${node.config.ovs.bridge}.mgmt`)];
    if (rights.user !== 0) return [unknown(flows.why)];
    return [broken({ seen: flows.why, todo: "systemctl restart openvswitch-switch" })];
  }),
};

const datapath: Check = {
  id: "switch.datapath",
  asks: "Which datapath is used, and whether the kernel has it: the openvswitch module for `system`.",
  remedy: '`modprobe openvswitch`, or `"datapath": "netdev"` under `ovs` in node.json.',
  needs: ["files.node-json"],
  judge: ofNode((node, { kernel }) => {
    const used = bridgeOf(node)?.datapath ?? node.datapath;
    if (used === "system" && !kernel.ovsModule) {
      return [
        broken({
          seen: "the system datapath is asked for, and the kernel has no openvswitch module",
          todo: 'modprobe openvswitch; or "ovs": { "datapath": "netdev" } in node.json',
        }),
      ];
    }
    if (used === "netdev" && kernel.ovsModule) {
      return [
        ok("netdev (userspace), though the kernel has the openvswitch module, which is faster"),
      ];
    }
    return [
      ok(used === "netdev" ? "netdev (userspace): the kernel has no openvswitch module" : used),
    ];
  }),
};

const tunnel: Check = {
  id: "switch.tunnel",
  asks: "Whether the VXLAN port is on the bridge, under its number, with this node's VTEP.",
  remedy:
    "`socketplane agent restart`, which makes it again. Where the switch refuses it, its words say why.",
  applies: inCluster,
  needs: ["switch.bridge"],
  without: "the tunnel's port is not as it has to be",
  judge: ofNode((node) => {
    const { tunnelFault, networks } = node;
    if (bridgeOf(node) === undefined) return [];
    if (networks.length === 0) return [ok("not needed yet: there is no network on this machine")];
    if (!tunnelFault.known) return notKnown(tunnelFault);
    const fault = tunnelFault.value;
    if (fault === undefined) return [ok(`port "${tunnelName}"`)];
    return [broken({ seen: fault, todo: haveItPutRight(node) })];
  }),
};

export const switchChecks: readonly Check[] = [database, bridge, openflow, datapath, tunnel];
