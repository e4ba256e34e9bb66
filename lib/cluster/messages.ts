/** What is said when joining: JSON, read at the door, all faults at once. */
import { Failure } from "../errors.ts";
import { collectFaults } from "../faults.ts";
import { formatVtep, parseVtep } from "../ipam/nodes.ts";
import { isObject, parseJson } from "../json.ts";
import type { VtepAddress } from "../store/keys.ts";
import { isName } from "../text.ts";

export const paths = { authority: "/v1/ca", join: "/v1/join", renew: "/v1/renew" } as const;

/** The longest that is listened to, bytes; a request for a certificate has about 400. */
export const longest = { question: 16_384, reply: 65_536 } as const;

export interface JoinQuestion {
  readonly token: { readonly id: string; readonly secret: string } | undefined;
  /** PEM; undefined for a cluster without TLS. */
  readonly csr: string | undefined;
  readonly node: string;
  readonly vtep: VtepAddress;
  readonly machineId: string;
}

export interface RenewQuestion {
  readonly csr: string;
  readonly vtep: VtepAddress;
}

export const formatJoin = ({ vtep, token, ...question }: JoinQuestion): string => {
  const proof = token && { id: token.id, secret: token.secret };
  return JSON.stringify({ ...question, token: proof, vtep: formatVtep(vtep) });
};

export const formatRenew = ({ vtep, csr }: RenewQuestion): string =>
  JSON.stringify({ csr, vtep: formatVtep(vtep) });

/** Throws Failure "decode" that names all faults, and no secret. */
export function parseJoin(text: string): JoinQuestion {
  const faults = collectFaults();
  const keys = ["token", "csr", "node", "vtep", "machineId"];
  const root = faults.object(parseJson(text), "", keys);
  const token = root.inner("token", ["id", "secret"]);
  const id = plainText(token?.raw("id"));
  const secret = plainText(token?.raw("secret"));
  if (token !== undefined && (id === undefined || secret === undefined)) {
    root.fault("token", "must be an object with the texts id and secret");
  }
  const node = root.parsed("node", "a name", (name) => (isName(name, 253) ? name : undefined));
  const vtep = root.parsed("vtep", "an address", parseVtep);
  const machineId = root.parsed("machineId", "a text", (one) => plainText(one));
  const csr = root.text("csr");
  if (node === undefined) faults.add('"node" is missing');
  if (vtep === undefined) faults.add('"vtep" is missing');
  if (machineId === undefined) faults.add('"machineId" is missing');
  faults.settle("decode", "Cannot read the request to join");
  if (node === undefined || vtep === undefined || machineId === undefined) throw unread();
  const given = id === undefined || secret === undefined ? undefined : { id, secret };
  return { token: given, csr, node, vtep, machineId };
}

/** Throws Failure "decode". */
export function parseRenew(text: string): RenewQuestion {
  const faults = collectFaults();
  const root = faults.object(parseJson(text), "", ["csr", "vtep"]);
  const csr = root.text("csr");
  const vtep = root.parsed("vtep", "an address", parseVtep);
  if (csr === undefined) faults.add('"csr" is missing');
  if (vtep === undefined) faults.add('"vtep" is missing');
  faults.settle("decode", "Cannot read the request to renew");
  if (csr === undefined || vtep === undefined) throw unread();
  return { csr, vtep };
}

const unread = () => new Failure("decode", "Cannot read the request: it is not whole");

const plainText = (value: unknown): string | undefined =>
  typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value) ? value : undefined;

export interface JoinReply {
  /** PEM; undefined for a cluster without TLS. */
  readonly certificates: { readonly ca: string; readonly cert: string } | undefined;
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

export const formatJoinReply = ({ certificates, endpoints, prefix }: JoinReply): string =>
  `${JSON.stringify({ ...certificates, endpoints, prefix })}\n`;

/** Undefined for what is none. */
export function parseJoinReply(text: string): JoinReply | undefined {
  const json = parseJson(text);
  if (!isObject(json)) return undefined;
  const { ca, cert, endpoints, prefix } = json;
  const isList = Array.isArray(endpoints) && endpoints.length > 0 && endpoints.length <= 16;
  if (!isList || typeof prefix !== "string" || prefix.length > 256) return undefined;
  const urls = endpoints.filter((one): one is string => plainText(one) !== undefined);
  if (urls.length !== endpoints.length) return undefined;
  const certificates =
    typeof ca === "string" && typeof cert === "string" ? { ca, cert } : undefined;
  return { certificates, endpoints: urls, prefix };
}

/** A refusal, and what to do about it. */
export const formatRefusal = (refusal: {
  readonly error: string;
  readonly details: string | undefined;
}): string => `${JSON.stringify({ error: refusal.error, details: refusal.details })}\n`;

/** As people may be shown it: it comes from the network. */
export function parseRefusal(text: string): { readonly error: string; readonly details?: string } {
  const json = parseJson(text);
  const shown = (value: unknown) =>
    typeof value === "string" ? value.replace(/[^\x20-\x7e]+/g, " ").slice(0, 500) : undefined;
  const error = isObject(json) ? shown(json.error) : undefined;
  const details = isObject(json) ? shown(json.details) : undefined;
  return { error: error ?? "it says nothing that can be read", ...(details && { details }) };
}
