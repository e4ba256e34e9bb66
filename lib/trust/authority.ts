/**
 * Trust in a cluster: its authority, the certificates of its nodes, and the tokens to join with.
 *
 * Invariants: an authority's key is never in a message, a log or an answer; what is signed names one
 * node and its addresses, whatever else the request asks for; a request is signed only where its
 * sender has the key that it is for. An authority is known by the hash of its public key, which a
 * token carries: who has a token can tell the cluster from whoever says that it is.
 * Why our own authority: etcd holds the plan of all addresses, so nobody else is to reach it; and one
 * that each cluster makes itself needs nothing from outside.
 * Sources: RFC 5280 (certificates), RFC 2986 (requests), RFC 7469, section 2.4 (hash of a key).
 */
import { Failure, reasonOf } from "../errors.ts";
import { base32 } from "./base32.ts";
import type { Checked } from "./request.ts";
import {
  algorithm,
  type Certificate,
  isPair,
  keyOfPem,
  loadX509,
  newKeys,
  pemOfKey,
  type X509,
} from "./x509.ts";

/** PEM texts of a certificate and its key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its certificate, PEM. */
  readonly cert: string;
  /** See hashOfAuthority. */
  readonly hash: string;
  /** Signs a node's certificate; gives it as PEM. */
  readonly sign: (request: Checked, addresses: readonly string[], now: Date) => Promise<string>;
}

/** What every authority of ours is called by: others' certificates are none of our business. */
const organization = "SocketPlane";

const dayMs = 24 * 3_600_000;
const life = { authority: 3_652 * dayMs, node: 365 * dayMs } as const;
/** Milliseconds that a machine's clock may be behind. */
const skewMs = 3_600_000;

/** Makes an authority for a new cluster, good for 10 years; gives its certificate and its key. */
export async function createAuthority(now: Date): Promise<Identity> {
  const x509 = await loadX509();
  const keys = await newKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ O: [organization] }, { CN: ["cluster authority"] }],
    notBefore: new Date(now.getTime() - skewMs),
    notAfter: new Date(now.getTime() + life.authority),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(cert), key: await pemOfKey(x509, keys.privateKey) };
}

/**
 * Opens an authority by its certificate and key. Throws Failure "invalid-config" where they can't be
 * read, or don't belong together.
 */
export async function openAuthority({ cert, key }: Identity): Promise<Authority> {
  const x509 = await loadX509();
  try {
    const own = new x509.X509Certificate(cert);
    const signingKey = await keyOfPem(x509, key);
    if (!(await isPair(own, signingKey))) throw new Error("the key is not the certificate's");
    return {
      cert,
      hash: await hashOf(own),
      sign: (request, addresses, now) => sign(x509, { own, signingKey }, request, addresses, now),
    };
  } catch (fault) {
    throw new Failure("invalid-config", `Cannot use the cluster's authority: ${reasonOf(fault)}`, {
      details: "Its certificate and its key are ca.pem and ca.key.",
      cause: fault,
    });
  }
}

/**
 * An authority's certificate, written anew and nothing else with it, and the hash of its public key
 * (SHA-256 of its SubjectPublicKeyInfo) as 52 characters of base32. Undefined for what is none.
 */
export async function readAuthority(
  cert: string,
): Promise<{ readonly cert: string; readonly hash: string } | undefined> {
  const { X509Certificate } = await loadX509();
  try {
    const read = new X509Certificate(cert);
    return { cert: pemOf(read), hash: await hashOf(read) };
  } catch {
    return undefined;
  }
}

/** See readAuthority. */
export const hashOfAuthority = async (cert: string): Promise<string | undefined> =>
  (await readAuthority(cert))?.hash;

/** Whether an authority's certificate is of our making; false for what is none. */
export async function isOurAuthority(cert: string): Promise<boolean> {
  const { X509Certificate } = await loadX509();
  try {
    return new X509Certificate(cert).subjectName.getField("O").includes(organization);
  } catch {
    return false;
  }
}

async function hashOf(cert: Certificate): Promise<string> {
  return base32(new Uint8Array(await crypto.subtle.digest("SHA-256", cert.publicKey.rawData)));
}

async function sign(
  x509: X509,
  { own, signingKey }: { readonly own: Certificate; readonly signingKey: CryptoKey },
  { name, publicKey }: Checked,
  addresses: readonly string[],
  now: Date,
): Promise<string> {
  const end = Math.min(now.getTime() + life.node, own.notAfter.getTime());
  // Each node is a client of etcd, and those that run etcd, or take in others, are servers as well.
  const uses = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  const here = [...new Set([...addresses, "127.0.0.1", "::1"])];
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: [{ O: [organization] }, { CN: [name] }],
    issuer: own.subjectName,
    notBefore: new Date(now.getTime() - skewMs),
    notAfter: new Date(end),
    signingAlgorithm: algorithm,
    signingKey,
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(uses),
      new x509.SubjectAlternativeNameExtension(here.map((value) => ({ type: "ip", value }))),
      await x509.AuthorityKeyIdentifierExtension.create(own.publicKey),
    ],
  });
  return pemOf(cert);
}

const pemOf = (cert: Certificate): string => `${cert.toString("pem")}\n`;

/** 127 bits of chance, never negative (RFC 5280, section 4.1.2.2). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
