/** A node's request for a certificate (RFC 2986): made where its key is made, and stays. */
import { Failure } from "../errors.ts";
import { isName } from "../text.ts";
import { algorithm, keysOfPem, loadX509, newKeys, pemOfKey, type X509 } from "./x509.ts";

export interface Request {
  /** PEM. */
  readonly csr: string;
  /** PEM; what never leaves the node. */
  readonly key: string;
}

/** A request whose sender has its key. */
export interface Checked {
  readonly name: string;
  readonly publicKey: InstanceType<X509["PublicKey"]>;
}

/** Makes a request for a certificate under the node's name, for a new key or one that it has. */
export async function makeRequest(name: string, key?: string): Promise<Request> {
  const x509 = await loadX509();
  const keys = key === undefined ? await newKeys() : await keysOfPem(x509, key);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
  });
  return { csr: `${csr.toString("pem")}\n`, key: await pemOfKey(x509, keys.privateKey) };
}

/**
 * Reads a request and makes sure that it is the node's, and its sender's. Throws Failure "decode"
 * for what is none, "invalid-config" where its name is another, or its signature is not its key's.
 */
export async function checkRequest(csr: string, name: string): Promise<Checked> {
  const x509 = await loadX509();
  const refuse = (kind: "decode" | "invalid-config", state: string, cause?: unknown) =>
    new Failure(kind, `Cannot sign the certificate request: ${state}`, { cause });
  const { request, publicKey, names } = parse(x509, csr, refuse);
  const given = publicKey.algorithm;
  const curve = "namedCurve" in given ? given.namedCurve : undefined;
  if (given.name !== algorithm.name || curve !== algorithm.namedCurve) {
    throw refuse("invalid-config", "its key is not ECDSA on P-256");
  }
  if (names.length !== 1 || names[0] !== name || !isName(name, 253)) {
    throw refuse("invalid-config", `it is not for node "${name}"`);
  }
  const isProven = await request.verify().catch(() => false);
  if (!isProven) throw refuse("invalid-config", "its signature is not by the key that it is for");
  return { name, publicKey };
}

/** Each part is parsed when it is asked for, and throws then. */
function parse(
  x509: X509,
  csr: string,
  refuse: (kind: "decode", state: string, cause: unknown) => Failure,
) {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const { publicKey, subjectName } = request;
    return { request, publicKey, names: subjectName.getField("CN") };
  } catch (fault) {
    throw refuse("decode", "it is none in PEM", fault);
  }
}
