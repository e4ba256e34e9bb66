/** What is typed after `socketplane cluster`, read: pure. See main.ts for the folder's note. */
import type { Endpoint } from "../cluster/drivers.ts";
import { joinPort } from "../cluster/drivers.ts";
import { Failure } from "../errors.ts";
import { parseToken, type Token } from "../trust/token.ts";

const wrong = (state: string, details?: string): Failure =>
  new Failure("usage", `Cannot understand the command line: ${state}`, { details });

/** For an etcd of one's own: its authority, and our certificate. */
export function tlsOf(given: {
  readonly endpoint?: readonly string[] | undefined;
  readonly insecure: boolean;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}) {
  const { ca, cert, key, endpoint = [] } = given;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  const relative = [ca, cert, key].find((path) => path !== undefined && !path.startsWith("/"));
  if (endpoint.length === 0) throw wrong("--ca, --cert and --key belong to an etcd of --endpoint");
  if (relative !== undefined) throw wrong(`${relative} must be an absolute path`);
  if ((cert === undefined) !== (key === undefined)) throw wrong("--cert and --key belong together");
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Nothing of it is repeated in messages: who reads them may be somebody else. */
export function tokenOf(text: string | undefined): Token | undefined {
  if (text === undefined) return undefined;
  const token = parseToken(text);
  if (token !== undefined) return token;
  throw wrong(
    "--token must be what was printed, in whole",
    "It has three parts with points between them. Make another: socketplane cluster token create",
  );
}

/** 192.0.2.1, 192.0.2.1:9479, [2001:db8::1]:9479, host-a */
export function endpointOf(text: string | undefined): Endpoint | undefined {
  if (text === undefined) return undefined;
  const found =
    /^(?:\[([0-9a-fA-F:.]+)\]|([0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)|([^\s:/[\]]+))(?::(\d{1,5}))?$/.exec(
      text,
    );
  const [, bracketed, bare, name, port = `${joinPort}`] = found ?? [];
  const host = bracketed ?? bare ?? name;
  if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) {
    return { host, port: Number(port) };
  }
  throw wrong(`--endpoint must be HOST or HOST:PORT, as 192.0.2.1:${joinPort}, not ${text}`);
}

/** 90m, 24h, 7d: as seconds, up to a year. */
export function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3_600, d: 86_400 }[unit] ?? 0);
  if (count !== "" && seconds >= 1 && seconds <= 366 * 86_400) return seconds;
  throw wrong(`--valid must be a time up to a year, as 90m, 24h or 7d, not ${text}`);
}

/** What to type on other machines; undefined where a token is needed, and none was made. */
export function joinLine(token: string | undefined, insecure: boolean): string | undefined {
  if (token !== undefined) return `socketplane cluster join --token ${token}`;
  return insecure ? "socketplane cluster join --insecure" : undefined;
}
