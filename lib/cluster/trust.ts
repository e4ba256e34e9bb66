/** The authority of a cluster that is made here, and this node's own certificate of it. */
import { Failure } from "../errors.ts";
import { formatVtep, type ThisNode } from "../ipam/nodes.ts";
import type { VtepAddress } from "../store/keys.ts";
import {
  type Authority,
  createAuthority,
  hashOfAuthority,
  openAuthority,
} from "../trust/authority.ts";
import { issueNode, readCertificate } from "../trust/certificate.ts";
import type { Undo } from "../undo.ts";
import type { ClusterFiles } from "./files.ts";
import type { ClusterWorld } from "./world.ts";

/** Makes what is missing of it, and gives the authority. */
export async function makeTrust(
  world: ClusterWorld,
  files: ClusterFiles,
  { name, vtep }: Pick<ThisNode, "name"> & { readonly vtep: VtepAddress },
  undo: Undo,
): Promise<Authority> {
  const now = new Date(world.wallClock());
  const found = files.pki();
  const { ca = "", caKey = "" } = found;
  const made = ca === "" || caKey === "" ? await createAuthority(now) : { cert: ca, key: caKey };
  const authority = await openAuthority(made);
  const address = formatVtep(vtep);
  const own = await readCertificate(found.cert ?? "");
  const isOurs = made.cert === ca && own?.name === name && own.addresses.includes(address);
  if (isOurs && found.key !== undefined) return authority;
  const { cert, key } = await issueNode(authority, { name, addresses: [address] }, now);
  undo.add("certificates", files.writePki({ ca: made.cert, caKey: made.key, cert, key }));
  return authority;
}

/** By which those who join know the cluster. Throws Failure "invalid-config" where there is none. */
export async function authorityHash(files: ClusterFiles, action: string): Promise<string> {
  const { ca } = files.pki();
  const hash = ca === undefined ? undefined : await hashOfAuthority(ca);
  if (hash !== undefined) return hash;
  throw new Failure(
    "invalid-config",
    `Cannot ${action}: this machine is in no cluster that has any`,
    {
      details:
        "One that was made without TLS takes in others without: socketplane cluster join --insecure",
    },
  );
}
