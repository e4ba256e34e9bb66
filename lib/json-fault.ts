/**
 * Where a text stops being JSON (RFC 8259), in words that are the same whatever runtime reads it:
 * its own say neither the line nor the same in the next version.
 */

/** Each on its own, with the blanks before it. */
const token =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a string can't have.
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** What may come next. */
type Expected =
  | "a value"
  | "a value or ']'"
  | "a key"
  | "a key or '}'"
  | "':'"
  | "its end"
  | "more";

/** As "line 3, column 5: a key is expected"; undefined for JSON. */
export function faultInJson(text: string): string | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "a value";
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const [whole = "", mark, string, other] = token.exec(text) ?? [];
    if (whole === "") break;
    const next = after(expected, mark, string !== undefined, other !== undefined, open);
    if (next === undefined) break;
    at += whole.length;
    expected = next;
  }
  const rest = text.slice(at).trimStart();
  if (rest === "" && expected === "its end") return undefined;
  return `${placeIn(text, text.length - rest.length)}: ${said(expected, open.at(-1))} is expected`;
}

/** What is expected after a token; undefined where it may not stand. `open` is kept. */
function after(
  expected: Expected,
  mark: string | undefined,
  isString: boolean,
  isOther: boolean,
  open: ("{" | "[")[],
): Expected | undefined {
  const ended = (): Expected => (open.length === 0 ? "its end" : "more");
  const isKey = expected === "a key" || expected === "a key or '}'";
  if (isString && isKey) return "':'";
  const isValue = expected === "a value" || expected === "a value or ']'";
  if (isString || isOther) return isValue ? ended() : undefined;
  if (mark === ":") return expected === "':'" ? "a value" : undefined;
  if (mark === ",") {
    return expected !== "more" ? undefined : open.at(-1) === "{" ? "a key" : "a value";
  }
  if (mark === "{" || mark === "[") {
    if (!isValue) return undefined;
    open.push(mark);
    return mark === "{" ? "a key or '}'" : "a value or ']'";
  }
  const isEmpty = expected === "a key or '}'" || expected === "a value or ']'";
  if (!isEmpty && expected !== "more") return undefined;
  if (open.at(-1) !== (mark === "}" ? "{" : "[")) return undefined;
  open.pop();
  return ended();
}

const said = (expected: Expected, open: "{" | "[" | undefined): string =>
  expected === "more" ? `',' or '${open === "{" ? "}" : "]"}'` : expected;

/** Both from 1, as editors count. */
function placeIn(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}
