/** Certificates for a server of a test and its clients, from an authority of the test's own. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Path of its certificate. */
  readonly ca: string;
  /** Makes a certificate for an address, or for nobody who is reached by one. */
  readonly issue: (name: string, address?: string) => Identity;
}

const days = "60";

/** Makes an authority; its files are in `folder`, beginning with `name`. */
export function makeAuthority(folder: string, name = "ca"): Authority {
  const file = (base: string) => join(folder, base);
  const ca = { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...curve,
    "-keyout",
    ca.key,
    "-out",
    ca.cert,
    "-days",
    days,
    ...["-subj", `/CN=${name} of a test`],
  );
  return {
    ca: ca.cert,
    issue: (subject, address) => {
      const request = file(`${subject}.csr`);
      const extensions = file(`${subject}.ext`);
      const made = { cert: file(`${subject}.pem`), key: file(`${subject}.key`) };
      // For both: etcd is also a client of itself.
      const uses = "extendedKeyUsage = serverAuth, clientAuth\n";
      writeFileSync(extensions, uses + (address ? `subjectAltName = IP:${address}\n` : ""));
      openssl("req", ...curve, "-keyout", made.key, "-out", request, "-subj", `/CN=${subject}`);
      openssl(
        "x509",
        "-req",
        "-in",
        request,
        "-out",
        made.cert,
        "-days",
        days,
        ...[...["-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-extfile", extensions]],
      );
      return made;
    },
  };
}

function openssl(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`Cannot run openssl ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
