/** What a node's agent answers of its switch: read at the door, as it comes of another machine. */
import { isObject, parseJson } from "../json.ts";
import { printable } from "../text.ts";
import { longest } from "./question.ts";
import type { PortState } from "./switch-trace.ts";

/** What its switch says, or why it says nothing. */
export type Answer =
  | { readonly text: string; readonly ownPort?: PortState | undefined }
  | { readonly refused: string };

export function formatAnswer(answer: Answer): string {
  const whole = JSON.stringify(answer);
  if (whole.length <= longest.answer) return whole;
  return JSON.stringify({ refused: "its switch says more than is sent" });
}

/** What can't be read of it says nothing. */
export function parseAnswer(text: string): Answer {
  const json = text.length > longest.answer ? undefined : parseJson(text);
  if (isObject(json)) {
    if (typeof json.refused === "string") return { refused: printable(json.refused).slice(0, 500) };
    if (typeof json.text === "string") {
      const ownPort = (["up", "down"] as const).find((one) => one === json.ownPort);
      return { text: linesOf(json.text), ...(ownPort !== undefined && { ownPort }) };
    }
  }
  return { refused: "its answer can't be read: it may be of another version" };
}

/** It is shown on terminals: as lines, and nothing else. */
const linesOf = (text: string): string => text.split("\n").map(printable).join("\n");
