/** What a node's agent answers of its switch: read at the door, as it comes of another machine. */
import { isObject, parseJson } from "../json.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import type { Ofport } from "../ovs/flow.ts";
import { longest } from "./question.ts";

/** What its switch says, and whose the ports are that it names; or why it says nothing. */
export type Answer =
  | { readonly text: string; readonly ports: readonly AnsweredPort[] }
  | { readonly refused: string };

/** A port of ours, on the node that answers. */
export interface AnsweredPort {
  readonly ofport: Ofport;
  readonly role: "attachment" | "gateway";
  readonly network: string;
  /** The container's, or the node's own. */
  readonly address: Ip4;
}

export function formatAnswer(answer: Answer): string {
  if ("refused" in answer) return JSON.stringify(answer);
  const ports = answer.ports.map((port) => ({ ...port, address: formatIp4(port.address) }));
  const whole = JSON.stringify({ text: answer.text, ports });
  if (whole.length <= longest.answer) return whole;
  return JSON.stringify({ refused: "its switch says more than is sent" });
}

/** What can't be read of it says nothing. */
export function parseAnswer(text: string): Answer {
  const json = text.length > longest.answer ? undefined : parseJson(text);
  const unread: Answer = { refused: "its answer can't be read: it may be of another version" };
  if (!isObject(json)) return unread;
  if (typeof json.refused === "string") return { refused: printable(json.refused).slice(0, 500) };
  if (typeof json.text !== "string" || !Array.isArray(json.ports)) return unread;
  const ports = json.ports.map(portOf);
  if (ports.includes(undefined)) return unread;
  return { text: printable(json.text), ports: ports.filter((port) => port !== undefined) };
}

function portOf(json: unknown): AnsweredPort | undefined {
  if (!isObject(json)) return undefined;
  const { ofport, role, network } = json;
  const address = typeof json.address === "string" ? parseIp4(json.address) : undefined;
  if (typeof ofport !== "number" || typeof network !== "string" || address === undefined) {
    return undefined;
  }
  if (role !== "attachment" && role !== "gateway") return undefined;
  return { ofport, role, network: printable(network), address };
}

/** It is shown on terminals. */
const printable = (text: string): string => text.replace(/[^\n\x20-\x7e]/g, "?");
