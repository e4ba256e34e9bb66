/** The library for certificates, loaded when one is made or read: it takes 50 ms. */

export async function loadX509() {
  // It must be there first, or the other throws.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

export type X509 = Awaited<ReturnType<typeof loadX509>>;

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
