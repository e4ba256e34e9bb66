/**
 * A lab: simulated machines and containers on this one, for tests of whole commands and the demo.
 *
 * Invariants: everything is in network namespaces and folders whose names carry this process's
 * pid, so that labs run side by side; the machine's own interfaces, namespaces, firewall and Open
 * vSwitch are never touched; all is gone when the lab closes, however that comes.
 * It needs root, and says so: a test that cannot run has failed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { openCleanup, ownFolderPrefix, sweep } from "./cleanup.ts";
import { addNetns, type LabNode, type NodeOptions, startNode } from "./node.ts";
import { ip } from "./run.ts";

export interface Lab {
  readonly startNode: (options?: NodeOptions) => Promise<LabNode>;
  /** Makes a network namespace for whatever is no node; gives its name. */
  readonly addNetns: (label: string) => string;
  /** Where files of it may be put. */
  readonly folder: string;
  /**
   * Makes the world behind a node: a namespace with 203.0.113.9/24 and 2001:db8:9::9/64, and the
   * node's link "ext0" to it with .1 and ::1, by which its default routes go.
   */
  readonly addOutside: (node: LabNode) => Outside;
  /** Registers what the lab does not know of: a capture, a server. */
  readonly onClose: (takeBack: () => void | Promise<void>) => void;
  readonly close: () => Promise<void>;
}

export interface Outside {
  /** Name of its network namespace. */
  readonly netns: string;
  readonly address: string;
  readonly address6: string;
  /** The node's own addresses on the way there: what masqueraded traffic comes from. */
  readonly node: string;
  readonly node6: string;
}

export interface LabOptions {
  /** Who closes it on SIGINT, SIGTERM and SIGHUP: by default the lab, and the process ends. */
  readonly signals?: "lab" | "caller";
}

export function openLab(options: LabOptions = {}): Lab {
  if (process.getuid?.() !== 0) throw new Error("Cannot open a lab: it takes root");
  sweep();
  // Each daemon's end is tied to ours.
  process.setMaxListeners(100);
  const cleanup = openCleanup(options.signals);
  const folder = mkdtempSync(ownFolderPrefix());
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  let given = 0;
  const surroundings = {
    folder,
    cleanup,
    serial: () => {
      given += 1;
      return given;
    },
  };
  return {
    startNode: (options) => startNode(surroundings, options),
    addNetns: (label) => addNetns(surroundings, label),
    folder,
    addOutside: (node) => connectOutside(addNetns(surroundings, "outside"), node.netns),
    onClose: cleanup.add,
    close: cleanup.run,
  };
}

function connectOutside(netns: string, node: string): Outside {
  const outside: Outside = {
    netns,
    address: "203.0.113.9",
    address6: "2001:db8:9::9",
    node: "203.0.113.1",
    node6: "2001:db8:9::1",
  };
  ip("-n", node, "link", "add", "ext0", "type", "veth", "peer", "name", "eth0", "netns", netns);
  const ends = [
    { name: node, link: "ext0", address: outside.node, address6: outside.node6 },
    { name: netns, link: "eth0", address: outside.address, address6: outside.address6 },
  ];
  for (const { name, link, address, address6 } of ends) {
    ip("-n", name, "address", "add", `${address}/24`, "dev", link);
    // Without duplicate address detection: the address is usable at once.
    ip("-n", name, "address", "add", `${address6}/64`, "dev", link, "nodad");
    ip("-n", name, "link", "set", link, "up");
  }
  ip("-n", node, "route", "add", "default", "via", outside.address);
  ip("-n", node, "-6", "route", "add", "default", "via", outside.address6);
  return outside;
}
