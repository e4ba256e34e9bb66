/** Certificates of ours, as others read them: openssl, which etcd's own library agrees with. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Authority,
  createAuthority,
  type Identity,
  isOurAuthority,
  openAuthority,
  readAuthority,
} from "../../../lib/trust/authority.ts";
import {
  confirmIssued,
  isDue,
  issueNode,
  readCertificate,
} from "../../../lib/trust/certificate.ts";
import { checkRequest, makeRequest } from "../../../lib/trust/request.ts";
import { makeAuthority } from "../../lab/certificates.ts";
import { must } from "../../lab/run.ts";
import { programAt, runtimes } from "../sys/runtimes.ts";

const folder = mkdtempSync(join(tmpdir(), "sp-trust-"));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const now = new Date("2026-06-01T12:00:00Z");
const dayMs = 24 * 3_600_000;
const days = (count: number) => new Date(now.getTime() + count * dayMs);

let made: Identity;
let authority: Authority;
beforeAll(async () => {
  made = await createAuthority(now);
  authority = await openAuthority(made);
});

function openssl(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout;
}

/** Whether openssl takes it for the purpose, at a time. */
function verifies(cert: string, purpose: "sslserver" | "sslclient", at: Date): boolean {
  writeFileSync(file("ca.pem"), made.cert);
  writeFileSync(file("cert.pem"), cert);
  const time = String(Math.floor(at.getTime() / 1_000));
  const { status } = spawnSync("openssl", [
    ...["verify", "-x509_strict", "-purpose", purpose, "-attime", time],
    ...["-CAfile", file("ca.pem"), file("cert.pem")],
  ]);
  return status === 0;
}

describe("a node's certificate", () => {
  test("is a server's and a client's, at its addresses, for a year", async () => {
    const { cert, key } = await issueNode(
      authority,
      { name: "host-a.example", addresses: ["192.0.2.1", "2001:db8::1"] },
      now,
    );
    for (const purpose of ["sslserver", "sslclient"] as const) {
      expect(verifies(cert, purpose, now)).toBe(true);
      expect(verifies(cert, purpose, days(364))).toBe(true);
      expect(verifies(cert, purpose, days(366))).toBe(false);
    }
    // A clock that is a little behind takes it too.
    expect(verifies(cert, "sslclient", new Date(now.getTime() - 1_800_000))).toBe(true);
    const text = openssl("x509", "-in", file("cert.pem"), "-noout", "-text");
    expect(text).toContain("Subject: O = SocketPlane, CN = host-a.example");
    expect(text).toContain(
      "IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
    expect(text).toContain("CA:FALSE");
    expect(await readCertificate(cert)).toEqual({
      name: "host-a.example",
      addresses: ["192.0.2.1", "2001:db8::1", "127.0.0.1", "::1"],
      notBefore: new Date(now.getTime() - 3_600_000),
      notAfter: days(365),
    });
    expect(await confirmIssued({ ca: made.cert, cert, key }, "host-a.example")).toBe(true);
  });

  test("signs no other, and is another authority's for nobody", async () => {
    const own = await issueNode(authority, { name: "a", addresses: [] }, now);
    const other = await createAuthority(now);
    expect(await confirmIssued({ ca: other.cert, ...own }, "a")).toBe(false);
    expect(await confirmIssued({ ca: made.cert, ...own }, "b")).toBe(false);
    const second = await issueNode(authority, { name: "a", addresses: [] }, now);
    expect(await confirmIssued({ ca: made.cert, cert: own.cert, key: second.key }, "a")).toBe(
      false,
    );
    expect(await confirmIssued({ ca: made.cert, cert: "nonsense", key: own.key }, "a")).toBe(false);
    // As an authority a node's certificate is none.
    const posing = await openAuthority(own);
    const forged = await issueNode(posing, { name: "b", addresses: [] }, now);
    writeFileSync(file("between.pem"), own.cert);
    writeFileSync(file("forged.pem"), forged.cert);
    const { status } = spawnSync("openssl", [
      ...["verify", "-CAfile", file("ca.pem"), "-untrusted", file("between.pem")],
      ...["-attime", String(now.getTime() / 1_000), file("forged.pem")],
    ]);
    expect(status).not.toBe(0);
  });

  test("does not outlast its authority", async () => {
    const late = days(3_600);
    const { cert } = await issueNode(authority, { name: "a", addresses: [] }, late);
    const end = (await readCertificate(made.cert))?.notAfter;
    expect((await readCertificate(cert))?.notAfter).toEqual(end);
    expect(end?.getUTCFullYear()).toBe(2036);
  });

  test("is due when a third of its life is left", async () => {
    const facts = await readCertificate(
      (await issueNode(authority, { name: "a", addresses: [] }, now)).cert,
    );
    if (facts === undefined) throw new Error("no certificate");
    expect([0, 240, 244, 364, 400].map((day) => isDue(facts, days(day)))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  test("is for a key that stays, where it is given", async () => {
    const first = await makeRequest("a");
    const again = await makeRequest("a", first.key);
    expect(again.key).toBe(first.key);
    const cert = await authority.sign(await checkRequest(again.csr, "a"), [], now);
    expect(await confirmIssued({ ca: made.cert, cert, key: first.key }, "a")).toBe(true);
  });

  test("asks for no more than it gets: what a request wants beside its name is left out", async () => {
    const wants = ["-addext", "basicConstraints=CA:TRUE", "-addext", "subjectAltName=IP:192.0.2.9"];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const csr = openssl("req", ...ec, "-keyout", file("k"), "-subj", "/CN=a", ...wants);
    const cert = await authority.sign(await checkRequest(csr, "a"), ["192.0.2.1"], now);
    writeFileSync(file("cert.pem"), cert);
    const text = openssl("x509", "-in", file("cert.pem"), "-noout", "-text");
    expect(text).toContain("CA:FALSE");
    expect(text).not.toContain("192.0.2.9");
  });

  test.each([
    ["RSA", ["-newkey", "rsa:2048"]],
    ["another curve", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ])("is not given for a key of %s", async (_what, kind) => {
    const csr = openssl("req", ...kind, "-nodes", "-keyout", file("k"), "-subj", "/CN=a");
    await expect(checkRequest(csr, "a")).rejects.toThrow("its key is not ECDSA on P-256");
  });

  test("is not given for a request whose key can't be read", async () => {
    // Found by broken input: the curve is none.
    const csr = `-----BEGIN CERTIFICATE REQUEST-----
MIHHMG4CAQAwDDEKMAgGA1UEAxMBYTBZMBMGByqGSM49AgEBCCqGSM49AwEHA0IABKLQcOQRcuDfrdfBjT7boxNc/9N6Si3BXpzi3oTVzM61AaAi9oQNAiDwfIbuFUSbH1c6P0nLjNiO5+PhCcjVIRSgADAKBggqhkjOPQQDAgNJADBGAiEAoHHmruh56HFBubZMZ2EVx67VC918G2j8OX1soNGIbmoCIQCfY/oVfNN6ZrPyptrz6Vn4agC/PqHBR5a2oN6EJPoCUQ==
-----END CERTIFICATE REQUEST-----`;
    await expect(checkRequest(csr, "a")).rejects.toMatchObject({ kind: "decode" });
  });

  test("two names are none", async () => {
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const csr = openssl("req", ...ec, "-keyout", file("k"), "-subj", "/CN=a/CN=b");
    await expect(checkRequest(csr, "a")).rejects.toThrow('it is not for node "a"');
  });
});

describe("an authority", () => {
  test("is opened by its own key only, and no key is in the message", async () => {
    const other = await createAuthority(now);
    const wrong = openAuthority({ cert: made.cert, key: other.key });
    await expect(wrong).rejects.toMatchObject({
      kind: "invalid-config",
      message: "Cannot use the cluster's authority: the key is not the certificate's",
    });
    const garbled = openAuthority({ cert: made.cert, key: made.key.replace("MI", "XX") });
    const message = await garbled.catch(({ message }) => message);
    expect(message).toContain("Cannot use the cluster's authority");
    expect(message).not.toContain(made.key.split("\n")[1]);
  });

  test("is known by the hash of its public key, as openssl has it", async () => {
    writeFileSync(file("ca.pem"), made.cert);
    const key = openssl("x509", "-in", file("ca.pem"), "-pubkey", "-noout");
    writeFileSync(file("pub.pem"), key);
    openssl("pkey", "-pubin", "-in", file("pub.pem"), "-outform", "DER", "-out", file("pub.der"));
    const hex = openssl("dgst", "-sha256", "-r", file("pub.der")).split(" ")[0] ?? "";
    const base32 = spawnSync("base32", ["-w0"], { input: Buffer.from(hex, "hex") }).stdout;
    expect(authority.hash).toBe(String(base32).replaceAll("=", "").toLowerCase());
    expect(await readAuthority(`${made.cert}\nand more`)).toEqual({
      cert: made.cert,
      hash: authority.hash,
    });
    expect(await readAuthority("nonsense")).toBeUndefined();
  });

  test("is ours, or somebody else's", async () => {
    expect(await isOurAuthority(made.cert)).toBe(true);
    const foreign = makeAuthority(folder, "foreign");
    expect(await isOurAuthority(openssl("x509", "-in", foreign.ca))).toBe(false);
    expect(await isOurAuthority("nonsense")).toBe(false);
  });
});

test.each(Object.entries(runtimes))("%s makes them as well", async (_name, runtime) => {
  const stdout = await must({ argv: [...runtime, programAt("../trust/make-certificates.ts")] });
  const { ca, cert, key, renewed } = JSON.parse(stdout);
  expect(await confirmIssued({ ca, cert, key }, "host-a")).toBe(true);
  expect(await confirmIssued({ ca, cert: renewed, key }, "host-a")).toBe(true);
});
