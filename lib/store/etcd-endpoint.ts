/** Where etcd is, and who we are to it: node.json's "store", with the files that it names. Pure. */
import { Failure } from "../errors.ts";
import type { StoreConfig } from "../node-config.ts";

export type EtcdConfig = Extract<StoreConfig, { type: "etcd" }>;

export interface Endpoint {
  /** As it is written, for messages. */
  readonly url: string;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** PEM texts. */
export interface Certificates {
  /** Undefined: the system's authorities. */
  readonly ca: string | undefined;
  readonly own: { readonly cert: string; readonly key: string } | undefined;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface Access {
  readonly endpoints: readonly Endpoint[];
  readonly certificates: Certificates;
  readonly login: Login | undefined;
}

/** Reads it all. Throws Failure "invalid-config" for what cannot be used. */
export function readAccess(
  config: EtcdConfig,
  readFile: (path: string) => string | undefined,
): Access {
  const { tls, username, passwordFile } = config;
  const endpoints = config.endpoints.map(parseEndpoint);
  const refuse = (state: string) =>
    new Failure("invalid-config", `Cannot use store "etcd" of node.json: ${state}`);
  const read = (key: string, path: string): string => {
    const text = readFile(path);
    if (text === undefined) throw refuse(`"${key}" names ${path}, and there is no such file`);
    return text;
  };
  const pem = (key: string, path: string): string => {
    const text = read(key, path);
    if (text.includes("-----BEGIN ")) return text;
    throw refuse(`"${key}" names ${path}, which has no certificate or key in PEM`);
  };
  // What is meant to be protected is not sent in the clear.
  const plain = endpoints.find(({ secure }) => !secure);
  if (tls !== undefined && plain !== undefined) {
    throw refuse(`"tls" is given, and endpoint ${plain.url} has no "https:"`);
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    throw refuse('"tls.cert" and "tls.key" belong together');
  }
  if ((username === undefined) !== (passwordFile === undefined)) {
    throw refuse('"username" and "passwordFile" belong together');
  }
  return {
    endpoints,
    certificates: {
      ca: tls?.ca === undefined ? undefined : pem("tls.ca", tls.ca),
      own:
        tls?.cert === undefined || tls.key === undefined
          ? undefined
          : { cert: pem("tls.cert", tls.cert), key: pem("tls.key", tls.key) },
    },
    login:
      username === undefined || passwordFile === undefined
        ? undefined
        : { username, password: read("passwordFile", passwordFile).replace(/\r?\n$/, "") },
  };
}

const usualPort = 2379;

const urlPattern = /^(https?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s/:@[\]]+))(?::(\d{1,5}))?\/?$/;

function parseEndpoint(url: string): Endpoint {
  const [, scheme, address6, host = address6, port = String(usualPort)] =
    urlPattern.exec(url) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    // What stands before "@" may be a password, which no log is to have.
    const shown = JSON.stringify(url.replace(/[^/]*@/, "...@"));
    const state = isBare(url) ? 'it does not begin with "http://" or "https://"' : "not a URL";
    throw new Failure("invalid-config", `Cannot use endpoint ${shown}: ${state}`, {
      details: isBare(url)
        ? `Write "https://${url}", or "http://${url}" where etcd speaks no TLS.`
        : 'It should look like "https://192.0.2.1:2379"; who we are is said by store.username and store.passwordFile.',
    });
  }
  return { url, host, port: Number(port), secure: scheme === "https" };
}

/** As etcdctl takes them: 192.0.2.1:2379. */
const isBare = (url: string): boolean => urlPattern.test(`http://${url}`) && !url.includes("/");
