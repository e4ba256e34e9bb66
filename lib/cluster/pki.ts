/** Where a node keeps its certificates: "pki" beside node.json. */
import type { Dir } from "../dir.ts";

/** Names in the folder. The authority's key is only where the cluster was made. */
export const pkiFiles = {
  ca: "ca.pem",
  caKey: "ca.key",
  cert: "node.pem",
  key: "node.key",
} as const;

/** "store.tls" of a node.json beside the folder. */
export const pkiTls = { ca: "pki/ca.pem", cert: "pki/node.pem", key: "pki/node.key" } as const;

export interface Pki {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly caKey?: string | undefined;
}

/** Writes all, each whole or not at all (0600); `folder` is "pki". */
export function writePki(folder: Dir, { ca, cert, key, caKey }: Pki): void {
  // A certificate with another's key is of no use: who reads between the two reads again.
  folder.replace(pkiFiles.key, key);
  folder.replace(pkiFiles.cert, cert);
  folder.replace(pkiFiles.ca, ca);
  if (caKey !== undefined) folder.replace(pkiFiles.caKey, caKey);
}

export function readPki(folder: Dir): Partial<Pki> {
  const read = (key: keyof typeof pkiFiles) => folder.read(pkiFiles[key]);
  return Object.fromEntries(
    (["ca", "cert", "key", "caKey"] as const).map((key) => [key, read(key)]),
  );
}
