/**
 * HTTP/1.1, as much as two programs of ours need of it: pure. One request a connection, bodies with
 * their length, nothing longer than is said.
 *
 * Source: RFC 9112.
 */
import { bytesOfText, textOfBytes } from "../text.ts";

export type Read<T> =
  /** Not all has come yet. */
  | { readonly state: "more" }
  | { readonly state: "whole"; readonly value: T }
  | { readonly state: "bad"; readonly status: number; readonly reason: string };

export interface HttpRequestText {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface HttpReplyText {
  readonly status: number;
  readonly body: string;
}

/** The longest head, bytes. */
const headBytes = 4_096;

/** A request out of what has come so far; `longest`: of its body, bytes. */
export function readRequest(bytes: Uint8Array, longest: number): Read<HttpRequestText> {
  const message = readMessage(bytes, longest);
  if (message.state !== "whole") return message;
  const { line, body } = message.value;
  const [, method, path] = /^([A-Z]{1,16}) (\/[\x21-\x7e]{0,255}) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (method === undefined || path === undefined) return bad(400, "the request can't be read");
  return { state: "whole", value: { method, path, body } };
}

export function readReply(bytes: Uint8Array, longest: number): Read<HttpReplyText> {
  const message = readMessage(bytes, longest);
  if (message.state !== "whole") return message;
  const { line, body } = message.value;
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line) ?? [];
  if (status === undefined) return bad(502, "it does not speak HTTP");
  return { state: "whole", value: { status: Number(status), body } };
}

export const formatRequest = (host: string, path: string, body: string | undefined): Uint8Array =>
  body === undefined
    ? formatMessage(`GET ${path} HTTP/1.1`, [`host: ${host}`], "")
    : formatMessage(`POST ${path} HTTP/1.1`, [`host: ${host}`], body);

export const formatReply = ({ status, body }: HttpReplyText): Uint8Array =>
  formatMessage(`HTTP/1.1 ${status} `, ["cache-control: no-store"], body);

function formatMessage(line: string, headers: readonly string[], body: string): Uint8Array {
  const length = `content-length: ${bytesOfText(body).length}`;
  return bytesOfText(
    `${[line, ...headers, length, "connection: close"].join("\r\n")}\r\n\r\n${body}`,
  );
}

function readMessage(
  bytes: Uint8Array,
  longest: number,
): Read<{ readonly line: string; readonly body: string }> {
  const end = endOfHead(bytes);
  if (end === undefined) {
    return bytes.length > headBytes ? bad(431, "its head is too long") : { state: "more" };
  }
  if (end > headBytes) return bad(431, "its head is too long");
  const [line = "", ...headers] = textOfBytes(bytes.subarray(0, end)).split("\r\n");
  const lengths: string[] = [];
  for (const header of headers) {
    const [, name = "", value = ""] = /^([\w-]+):[ \t]*(.*?)[ \t]*$/.exec(header) ?? [];
    if (name === "") return bad(400, "a header can't be read");
    if (name.toLowerCase() === "transfer-encoding") return bad(411, "its length is not said");
    if (name.toLowerCase() === "content-length") lengths.push(value);
  }
  const [length = "0"] = lengths;
  if (lengths.length > 1 || !/^\d{1,9}$/.test(length)) return bad(400, "its length can't be read");
  if (Number(length) > longest) return bad(413, `it is longer than ${longest} bytes`);
  const body = bytes.subarray(end + 4, end + 4 + Number(length));
  if (body.length < Number(length)) return { state: "more" };
  return { state: "whole", value: { line, body: textOfBytes(body) } };
}

const bad = (status: number, reason: string) => ({ state: "bad", status, reason }) as const;

/** Where the empty line is; undefined as long as there is none. */
function endOfHead(bytes: Uint8Array): number | undefined {
  const last = Math.min(bytes.length, headBytes + 4) - 3;
  for (let at = 0; at < last; at += 1) {
    const isEnd =
      bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10;
    if (isEnd) return at;
  }
  return undefined;
}
