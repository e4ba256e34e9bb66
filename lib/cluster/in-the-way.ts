/** What on this machine is in the way of an etcd and an authority of a cluster's own. */
import { Failure } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import { etcdPrograms, type ServiceName, type Services, unitOf } from "../service/services.ts";
import type { VtepAddress } from "../store/keys.ts";
import { joinPort } from "./drivers.ts";
import { etcdPorts } from "./etcd-settings.ts";
import { type ClusterFiles, etcdDataDir } from "./files.ts";
import type { ClusterWorld } from "./world.ts";

/** Units that systemd has not. */
export async function withoutUnits(
  services: Services,
  names: readonly ServiceName[],
): Promise<readonly Failure[]> {
  if (services.kind !== "systemd") return [];
  const missing: ServiceName[] = [];
  for (const name of names) {
    if ((await services.status(name)).state === "absent") missing.push(name);
  }
  return missing.map(
    (name) =>
      new Failure("invalid-config", `Cannot start ${name}: systemd has no unit ${unitOf(name)}`, {
        details: "Have it written: socketplane install",
      }),
  );
}

/** Nothing is, where an etcd is there already. */
export async function inTheWay(
  { machine }: ClusterWorld,
  files: ClusterFiles,
  { chosen }: { readonly chosen: { readonly address: VtepAddress } },
  { endpoints }: { readonly endpoints: readonly string[] },
): Promise<readonly Failure[]> {
  if (endpoints.length > 0) return [];
  const own = formatVtep(chosen.address);
  const wanted = [
    { host: own, port: etcdPorts.client, details: elsewhere },
    { host: "127.0.0.1", port: etcdPorts.peer, details: elsewhere },
    { host: own, port: joinPort, details: "The agent takes in others there." },
  ];
  const taken: Failure[] = [];
  for (const { host, port, details } of wanted) {
    if (await machine.isPortFree(host, port)) continue;
    taken.push(
      new Failure("io", `Cannot listen on port ${port} of ${host}: another program does`, {
        details,
      }),
    );
  }
  return [...program(machine, files), ...taken, ...data(machine)];
}

const elsewhere =
  "Where it is the distribution's etcd that nobody needs: systemctl disable --now etcd. To have that one serve the cluster: --endpoint URL";

function program(machine: ClusterWorld["machine"], files: ClusterFiles): readonly Failure[] {
  const configured = files.config().etcd?.program;
  const places = configured === undefined ? etcdPrograms : [configured];
  if (places.some(machine.exists)) return [];
  return [
    new Failure("invalid-config", "Cannot start etcd: it is not installed", {
      details: `Install it (apt-get install etcd-server), or name one that runs: --endpoint URL. Looked for: ${places.join(", ")}`,
    }),
  ];
}

function data(machine: ClusterWorld["machine"]): readonly Failure[] {
  if (!machine.exists(etcdDataDir)) return [];
  return [
    new Failure("invalid-config", `Cannot use ${etcdDataDir}: it has an earlier cluster's data`, {
      details: "Remove it, if nobody needs it.",
    }),
  ];
}
