/** etcd, an endpoint at a time, and the certificates it is asked with. See doctor.ts. */
import type { Host } from "../attach/host.ts";
import { deadlineIn } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import type { StoreConfig } from "../node-config.ts";
import { keysUnder } from "../store/keys.ts";
import type { CertificateFile, EndpointFacts } from "./facts.ts";
import type { DoctorWorld } from "./world.ts";

/** How long each endpoint has to answer, milliseconds. */
const answerMs = 4_000;

/** All are asked at the same time, each by itself: others would answer in its place. */
export async function readEndpoints(
  world: Pick<DoctorWorld, "openStore" | "clock">,
  { config: { store }, log }: Host,
): Promise<readonly EndpointFacts[]> {
  if (store.type === "file") return [];
  const { cluster } = keysUnder(store.prefix);
  return Promise.all(
    store.endpoints.map(async (url): Promise<EndpointFacts> => {
      try {
        const opened = await world.openStore({ ...store, endpoints: [url] }, log);
        try {
          await opened.get(cluster, deadlineIn(world.clock, answerMs));
          return { url, state: "well" };
        } finally {
          await opened.close();
        }
      } catch (thrown) {
        const { kind, message, details: todo } = asFailure(thrown);
        // The endpoint is the subject of what is said.
        const at = message.indexOf(`${url}: `);
        const why = at < 0 ? message : message.slice(at + `${url}: `.length);
        return { url, state: kind === "try-again" ? "away" : "refused", why, todo };
      }
    }),
  );
}

/** The files of "store.tls" that hold certificates. */
export async function readCertificates(
  { readFile }: Pick<DoctorWorld, "readFile">,
  store: StoreConfig,
): Promise<readonly CertificateFile[]> {
  const { ca, cert } = (store.type === "etcd" ? store.tls : undefined) ?? {};
  const files = [
    ...(ca === undefined ? [] : [{ key: "ca", path: ca }]),
    ...(cert === undefined ? [] : [{ key: "cert", path: cert }]),
  ];
  if (files.length === 0) return [];
  const { readCertificate } = await import("../trust/certificate.ts");
  return Promise.all(
    files.map(async ({ key, path }) => {
      const read = await readCertificate(textOf(readFile, path));
      const valid = read && { from: read.notBefore.getTime(), until: read.notAfter.getTime() };
      return { key, path, valid };
    }),
  );
}

/** Empty where it can't be read: then it has no certificate. */
function textOf(readFile: DoctorWorld["readFile"], path: string): string {
  try {
    return readFile(path) ?? "";
  } catch {
    return "";
  }
}
