/** The one VXLAN port, by which all peers of all networks are reached (ovs-vswitchd.conf.db(5)). */
import { type Deadline, within } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import { map, type Operation } from "../ovs/ovsdb-json.ts";
import type { VtepAddress } from "../store/keys.ts";
import { isUserspace, newDatapath } from "./bridge.ts";
import { selectBridge } from "./bridge-rows.ts";
import type { Host } from "./host.ts";
import { tunnelName } from "./names.ts";
import { givenPort, readPort } from "./ports.ts";
import { addPort, awaitOfport, removeRow, selectPort } from "./rows.ts";
import { tunnelPort } from "./switch-network.ts";

/** Each frame's flow says to whom it goes and under which VNI. */
const optionsOf = (local: VtepAddress) => ({
  remote_ip: "flow",
  key: "flow",
  local_ip: formatVtep(local),
});

/** Pure: adds the port to the bridge. */
const addTunnel = (bridge: string, local: VtepAddress): readonly Operation[] =>
  addPort(bridge, {
    name: tunnelName,
    type: "vxlan",
    options: map(optionsOf(local)),
    ofport_request: tunnelPort,
    external_ids: map({ socketplane: "tunnel" }),
  });

/**
 * Makes the port, or sets it right where this node's VTEP was another. The caller holds the
 * switch's lock exclusively. Throws Failure "switch-refused" where it can't be made under its
 * number, which the flows go by.
 */
export function ensureTunnel(host: Host, local: VtepAddress, deadline: Deadline): void {
  const fault = tunnelFault(host, local, deadline);
  if (fault === undefined) return;
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const before = readPort(host, tunnelName, deadline).uuid;
  const removal = before === undefined ? [] : [removeRow(before)];
  if (removal.length > 0) database.transact(removal, deadline);
  database.transact(addTunnel(bridge, local), deadline);
  const awaited = database.send(awaitOfport(tunnelName, deadline.left()), deadline);
  const given = givenPort(awaited, tunnelName, deadline);
  if (given.ofport === tunnelPort) {
    forgetLearnt(host, deadline);
    host.log.info("made the tunnel's port", { vtep: formatVtep(local), because: fault });
    return;
  }
  const made = readPort(host, tunnelName, deadline).uuid;
  if (made !== undefined) database.transact([removeRow(made)], deadline);
  const state = given.error ?? `port number ${tunnelPort} of bridge "${bridge}" is another port's`;
  throw new Failure("switch-refused", `Cannot make port "${tunnelName}": ${state}`, {
    details:
      given.error === undefined
        ? `See which it is: ovs-ofctl show ${bridge}. Take it off and add it again with "-- set interface NAME ofport_request=2".`
        : undefined,
  });
}

/** Milliseconds: the switch is locked meanwhile, and the port is of use without it. */
const forgetMs = 2_000;

/**
 * Has the switch decide anew about each frame. *Measured*: what its userspace datapath has learnt of
 * a peer's frames while there was no such port (they are the machine's own) it keeps for as long as
 * they come; neither a new port ends that, nor new flows, and no frame of that peer arrives. The
 * kernel's datapath takes them from a socket of the machine's, which is there at once: it need not,
 * and other bridges would have to begin anew with it.
 */
function forgetLearnt(host: Host, deadline: Deadline): void {
  if (!isUserspace(host, deadline)) return;
  const until = within(deadline, host.clock, forgetMs);
  try {
    host.control(until).call("revalidator/purge", [], until);
  } catch (fault) {
    const port = tunnelName;
    host.log.warn("peers that send without a pause may not arrive by a port that is new", {
      port,
      reason: reasonOf(fault),
    });
  }
}

/**
 * Why nothing leaves by the tunnel through the link that has the VTEP; undefined if it can. *Bites
 * here*: on the userspace datapath VXLAN leaves through a bridge only, by an address that the bridge
 * itself has, and not a port of it; else all is well to look at, and no frame arrives.
 */
export function underlayFault(host: Host, link: string, deadline: Deadline): string | undefined {
  const { bridge } = host.config.ovs;
  const asking = [...selectPort(bridge, link), selectBridge(link)];
  const results = host.database(deadline).transact(asking, deadline);
  const [ours, port, own, itself] = results.map(({ rows }) => rows?.[0]);
  const datapath = ours === undefined ? newDatapath(host) : ours.datapath_type;
  if (datapath !== "netdev" || itself !== undefined || own?.type === "internal") return undefined;
  const what =
    port === undefined ? "no Open vSwitch bridge" : "a port of a bridge, and none itself";
  return `the VTEP is on link "${link}", which is ${what}: with the userspace datapath VXLAN can't leave`;
}

/** What is wrong with the port; undefined if nothing is. */
export function tunnelFault(
  host: Host,
  local: VtepAddress,
  deadline: Deadline,
): string | undefined {
  const port = readPort(host, tunnelName, deadline);
  const name = `port "${tunnelName}"`;
  if (port.uuid === undefined) return `${name} is gone from the switch`;
  if (!port.onBridge) return `${name} is on another bridge than "${host.config.ovs.bridge}"`;
  if (port.ofport !== tunnelPort) {
    return `${name} does not work: ${port.error ?? `its number is ${port.ofport ?? "none"}, not ${tunnelPort}`}`;
  }
  const wanted = Object.entries(optionsOf(local));
  const other = wanted.find(([option, value]) => port.options[option] !== value);
  if (other === undefined) return undefined;
  const [option, value] = other;
  return `${name} has ${option} ${port.options[option] ?? "unset"}, not ${value}`;
}
