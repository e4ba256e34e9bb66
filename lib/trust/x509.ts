/** The library for certificates, loaded when one is made or read: it takes 50 ms. */

export async function loadX509() {
  // It must be there first, or the other throws.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

export type X509 = Awaited<ReturnType<typeof loadX509>>;
export type Certificate = InstanceType<X509["X509Certificate"]>;

/** ECDSA on P-256: what every TLS takes, with small keys. */
export const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export const newKeys = () => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

export async function pemOfKey({ PemConverter }: X509, key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** Throws what WebCrypto throws for what is no such key. */
export async function keyOfPem({ PemConverter }: X509, pem: string): Promise<CryptoKey> {
  const [bytes] = PemConverter.decode(pem);
  return crypto.subtle.importKey("pkcs8", bytes ?? new ArrayBuffer(0), algorithm, true, ["sign"]);
}

/** A private key and the public one that belongs to it. */
export async function keysOfPem(x509: X509, pem: string) {
  const privateKey = await keyOfPem(x509, pem);
  const { kty = "", crv = "", x = "", y = "" } = await crypto.subtle.exportKey("jwk", privateKey);
  const open = { kty, crv, x, y };
  const publicKey = await crypto.subtle.importKey("jwk", open, algorithm, true, ["verify"]);
  return { privateKey, publicKey };
}

/** Whether a certificate is for this key. */
export async function isPair({ publicKey }: Certificate, key: CryptoKey): Promise<boolean> {
  const sample = new Uint8Array(32);
  const signature = await crypto.subtle.sign(algorithm, key, sample);
  const own = await publicKey.export(algorithm, ["verify"]);
  return crypto.subtle.verify(algorithm, own, signature, sample);
}
