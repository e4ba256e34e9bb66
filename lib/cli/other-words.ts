/** Words that people bring along from other command lines. See main.ts for the folder's note. */

/**
 * Each line means about the same: here, with docker and podman, kubectl, ip(8), and the SocketPlane
 * of 2015.
 */
export const otherWords: readonly (readonly string[])[] = [
  ["create", "add", "new", "make", "init", "bootstrap"],
  ["list", "ps", "get"],
  ["show", "info", "inspect", "describe"],
  ["delete", "remove", "rm", "destroy", "prune", "leave", "disconnect", "unjoin", "reset"],
  ["allow", "permit", "accept", "link", "peer"],
  ["deny", "forbid", "drop", "isolate", "unlink"],
  ["run", "start", "up", "create", "connect"],
  ["stop", "kill", "down", "end"],
  ["exec", "attach", "enter", "nsenter", "shell"],
  ["ps", "container", "containers", "pods"],
  ["network", "networks", "net", "nets", "subnet"],
  ["node", "nodes", "host", "hosts", "peer", "peers", "member", "members"],
  ["address", "addresses", "ip", "endpoint", "endpoints", "ipam"],
  ["lease", "leases", "block", "blocks"],
  ["logs", "log"],
  ["agent", "daemon", "service"],
  ["install", "setup"],
  ["uninstall", "clean", "purge"],
  ["doctor", "deps", "check", "diagnose", "troubleshoot"],
  ["topology", "map", "graph"],
  ["trace", "traceroute", "path"],
];
