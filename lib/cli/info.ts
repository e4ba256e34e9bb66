/** `socketplane info`: the containers of this machine, and how they are connected. */
import type { Host } from "../attach/host.ts";
import { inhabitants, netnsNumberOf } from "../attach/inhabitants.ts";
import { outerName } from "../attach/names.ts";
import { isGone } from "../attach/sweep.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { heldNow } from "../ipam/held.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip6Of } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import type { ProcessTable } from "../sys/processes.ts";
import { command } from "./command.ts";
import { chosenOf, containersHere, nameOf } from "./containers.ts";
import { onNode } from "./on-node.ts";
import { type Shown, show, withThose } from "./output.ts";

const columns = [
  "container",
  "state",
  "network",
  "address",
  "address6",
  "mac",
  "gateway",
  "port",
  "pid",
  "command",
];
const optional = ["state", "address6"];

export const infoCommand = command({
  name: "info",
  describe: "Show the containers of this machine, and how they are connected",
  about: [
    "Show the containers of this machine, whoever has started them: a container engine, Kubernetes, or ",
    "socketplane run. One whose network namespace was deleted is gone; if nobody calls DEL for it, ",
    "socketplane rm --force takes it away. As JSON it has the keys of the first SocketPlane, and some more.",
  ].join(""),
  arguments: {
    container: {
      describe: "One of them: its name, its id or how that begins, or NAMESPACE/POD",
      optional: true,
      completes: "container",
    },
  },
  examples: [
    ["socketplane info", "All of them"],
    ["socketplane info web-1", "One of them"],
    ["socketplane info shop/web-0", "A pod"],
  ],
  run: (world, args) =>
    onNode(world, args, async (host) => {
      const all = containersHere(host);
      const chosen = args.container === undefined ? all : chosenOf(all, args.container, "show");
      const numbers = chosen.map(({ id }) => netnsNumberOf(host, id));
      const pids = inhabitants(host, world.processes);
      const found = chosen.map((one, index) =>
        connectionOf(host, world.processes, one, pids.get(numbers[index] ?? -1)),
      );
      const asked = args.output ?? (world.terminal.interactive ? "table" : "json");
      const shown = found.map(asked === "json" ? asRecord : asRow);
      show(world.terminal, asked, shown, withThose(columns, optional, shown));
    }),
});

interface Connection {
  readonly assignment: Assignment;
  readonly pid: number | undefined;
  readonly command: string | undefined;
  /** Its namespace was deleted, and nobody has called DEL. */
  readonly gone: boolean;
  /** What the node knows of the network; undefined where it has lost that. */
  readonly held: ReturnType<typeof heldNow>;
}

function connectionOf(
  host: Host,
  processes: Pick<ProcessTable, "commandLine">,
  assignment: Assignment,
  pid: number | undefined,
): Connection {
  const command = pid === undefined ? undefined : processes.commandLine(pid).join(" ");
  const gone = isGone(host, assignment.id);
  return { assignment, pid, command, gone, held: heldNow(host.ipam.dirs, assignment.network) };
}

function asRow({ assignment, pid, command, gone, held }: Connection): Shown {
  const { network, address, mac, ofport, id } = assignment;
  const { gateway, subnet6 } = held?.stored.network ?? {};
  return {
    container: nameOf(assignment),
    ...(gone && { state: "gone" }),
    network,
    address: formatIp4(address),
    ...(subnet6 !== undefined && { address6: formatIp6(ip6Of(subnet6, address)) }),
    mac: formatMac(mac),
    ...(gateway !== undefined && { gateway: formatIp4(gateway) }),
    port: `${outerName(id)} (${ofport})`,
    ...(pid !== undefined && { pid, command }),
  };
}

/** Keys and nesting are the first SocketPlane's (its daemon's GET /connections). */
function asRecord({ assignment, pid, command, gone, held }: Connection): Shown {
  const { network, address, mac, ofport, id } = assignment;
  const { subnet, subnet6, gateway } = held?.stored.network ?? {};
  return {
    container_id: id.containerId,
    container_name: nameOf(assignment),
    container_pid: pid,
    command,
    ...(gone && { state: "gone" }),
    network,
    ovs_port_id: outerName(id),
    ovs_port_number: ofport,
    cni_name: id.name,
    connection_details: {
      name: id.ifname,
      ip: formatIp4(address),
      subnet: subnet && formatPrefix4(subnet),
      mac: formatMac(mac),
      gateway: gateway && formatIp4(gateway),
      ip6: subnet6 && formatIp6(ip6Of(subnet6, address)),
      gateway6: subnet6 && gateway && formatIp6(ip6Of(subnet6, gateway)),
    },
  };
}
