/** What only the cluster command needs: multicast DNS, HTTP, and this machine's files and ports. */
import { setTimeout as pause } from "node:timers/promises";
import type { ClusterDrivers } from "../lib/cluster/world.ts";
import { askHttp } from "../lib/sys/http-client.ts";
import { exists, isPortFree, removeTree } from "../lib/sys/machine.ts";
import { openMdns } from "../lib/sys/mdns.ts";

export const clusterDrivers: ClusterDrivers = {
  joining: { openMdns, askHttp },
  machine: { exists, isPortFree, removeTree, pause: (ms) => pause(ms) },
};
