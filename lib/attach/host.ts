/** The machine, as attaching needs it: drivers handed in, connections opened when first used. */
import type { Clock, Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { NodeIpam } from "../ipam/held.ts";
import type { Log } from "../log.ts";
import type { NodeConfig } from "../node-config.ts";
import type { Control } from "../ovs/control.ts";
import type { Database, Flows } from "../ovs/switch.ts";
import { refusedWith } from "../sys/errno.ts";
import type { Kernel, Links } from "../sys/kernel.ts";
import type { Filter } from "../sys/nft.ts";

/** How to reach the world; made in cmd/. */
export interface Drivers {
  readonly kernel: Kernel;
  /** Whether the firewall has the network of this gateway link. */
  readonly isFiltered: (link: string) => boolean;
  readonly openFilter: () => Promise<Filter>;
  /** Connects to ovsdb-server's db.sock. */
  readonly openDatabase: (path: string, deadline: Deadline) => Database;
  /** Connects to a bridge's <bridge>.mgmt. */
  readonly openFlows: (path: string, deadline: Deadline) => Flows;
  /** Connects to ovs-vswitchd's control socket, which it finds in Open vSwitch's run directory. */
  readonly openControl: (runDir: string, deadline: Deadline) => Control;
  /** Starts to delete a link of this namespace; undefined if it is not there. */
  readonly startDeleting: (name: string) => Deletion | undefined;
}

/** A deletion under way: *measured*, the kernel takes 15 to 40 ms for one, whoever asks. */
export interface Deletion {
  /** Returns when the link's name is gone. */
  readonly finish: (deadline: Deadline) => void;
}

/** The connections to Open vSwitch, each made when it is first used. */
export interface Switch {
  /** Throws Failure "try-again" when Open vSwitch can't be reached. */
  readonly database: (deadline: Deadline) => Database;
  readonly flows: (deadline: Deadline) => Flows;
  readonly control: (deadline: Deadline) => Control;
  readonly close: () => void;
}

export interface Host extends Switch {
  readonly kernel: Kernel;
  readonly links: () => Links;
  readonly isFiltered: (link: string) => boolean;
  /** Loaded when the firewall has to be changed, not before. */
  readonly filter: () => Promise<Filter>;
  readonly startDeleting: (name: string) => Deletion | undefined;
  readonly config: NodeConfig;
  /** The run directory. */
  readonly run: Dir;
  readonly ipam: NodeIpam;
  readonly clock: Clock;
  readonly log: Log;
}

export function openHost(
  drivers: Drivers,
  node: Pick<Host, "config" | "run" | "ipam" | "clock" | "log">,
): Host {
  const { kernel, startDeleting, isFiltered } = drivers;
  const ovs = openSwitch(drivers, node.config.ovs);
  const opened: { close: () => void }[] = [ovs];
  const never: Deadline = { left: () => Number.MAX_SAFE_INTEGER };
  const links = once(() => kernel.links(), opened);
  return {
    ...node,
    kernel,
    startDeleting,
    links: () => links(never),
    isFiltered,
    filter: async () => {
      const filter = await drivers.openFilter();
      opened.push(filter);
      return filter;
    },
    database: ovs.database,
    flows: ovs.flows,
    control: ovs.control,
    close: () => {
      for (const one of opened.splice(0)) one.close();
    },
  };
}

/** For who needs nothing else of the host. */
export function openSwitch(drivers: Drivers, { runDir, bridge }: NodeConfig["ovs"]): Switch {
  const opened: { close: () => void }[] = [];
  const { openDatabase, openFlows, openControl } = drivers;
  return {
    database: once(reaching("ovsdb-server", `${runDir}/db.sock`, openDatabase), opened),
    flows: once(reaching("ovs-vswitchd", `${runDir}/${bridge}.mgmt`, openFlows), opened),
    control: once(reaching("ovs-vswitchd", runDir, openControl), opened),
    close: () => {
      for (const one of opened.splice(0)) one.close();
    },
  };
}

function once<T extends { close: () => void }>(
  open: (deadline: Deadline) => T,
  opened: { close: () => void }[],
) {
  let made: T | undefined;
  return (deadline: Deadline): T => {
    if (made === undefined) {
      made = open(deadline);
      opened.push(made);
    }
    return made;
  };
}

/** vswitchd's socket files stay behind when it goes, so only connecting tells. */
function reaching<T>(daemon: string, path: string, open: (path: string, deadline: Deadline) => T) {
  return (deadline: Deadline): T => {
    try {
      return open(path, deadline);
    } catch (fault) {
      throw new Failure("try-again", `Cannot reach ${daemon} at ${path}: ${stateOf(fault)}`, {
        details: `Start Open vSwitch (systemctl start openvswitch-switch), or say where its sockets are: "ovs.runDir" in node.json.`,
        cause: fault,
      });
    }
  };
}

function stateOf(fault: unknown): string {
  if (refusedWith(fault, "ENOENT")) return "there is no such socket";
  if (refusedWith(fault, "ECONNREFUSED")) return "nobody listens there";
  return reasonOf(fault);
}
