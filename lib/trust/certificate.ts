/** What a certificate says, as far as we ask. */
import type { Authority, Identity } from "./authority.ts";
import { checkRequest, makeRequest } from "./request.ts";
import { isPair, keyOfPem, loadX509 } from "./x509.ts";

export interface CertificateFacts {
  /** The node's name; undefined where it names none. */
  readonly name: string | undefined;
  /** Addresses, as they are written. */
  readonly addresses: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Undefined for what is no certificate. */
export async function readCertificate(cert: string): Promise<CertificateFacts | undefined> {
  const { X509Certificate, SubjectAlternativeNameExtension } = await loadX509();
  try {
    const read = new X509Certificate(cert);
    const names = read.getExtension(SubjectAlternativeNameExtension)?.names;
    const addresses = (names?.items ?? []).filter(({ type }) => type === "ip");
    return {
      name: read.subjectName.getField("CN")[0],
      addresses: addresses.map(({ value }) => value),
      notBefore: read.notBefore,
      notAfter: read.notAfter,
    };
  } catch {
    return undefined;
  }
}

/** Whether a third or less of a certificate's life is left. */
export function isDue({ notBefore, notAfter }: CertificateFacts, now: Date): boolean {
  const life = notAfter.getTime() - notBefore.getTime();
  return notAfter.getTime() - now.getTime() <= life / 3;
}

/** Whether a certificate is the authority's for the node, and for its key. */
export async function confirmIssued(
  { ca, cert, key }: Identity & { readonly ca: string },
  name: string,
): Promise<boolean> {
  const x509 = await loadX509();
  try {
    const read = new x509.X509Certificate(cert);
    const { publicKey } = new x509.X509Certificate(ca);
    const isSigned = await read.verify({ publicKey, signatureOnly: true });
    const isNamed = read.subjectName.getField("CN").join() === name;
    return isSigned && isNamed && (await isPair(read, await keyOfPem(x509, key)));
  } catch {
    return false;
  }
}

/** A node's certificate and key, made where the authority is. */
export async function issueNode(
  authority: Authority,
  { name, addresses }: { readonly name: string; readonly addresses: readonly string[] },
  now: Date,
): Promise<Identity> {
  const { csr, key } = await makeRequest(name);
  return { cert: await authority.sign(await checkRequest(csr, name), addresses, now), key };
}
