/**
 * Markup for SVG and HTML alike, in which text cannot become markup: a string is always escaped,
 * and only what was made here is taken as it is.
 *
 * Why our own: names of containers come from strangers, and an escape that was forgotten once is
 * enough. Pure.
 */

/** An element, or several after each other. */
export interface Markup {
  readonly markup: string;
}

export type Child = Markup | string | number | undefined | readonly Child[];

/** Without undefined and false; true is an attribute without a value. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Elements of HTML that have no end. SVG has none of these names. */
const empty = new Set(["meta", "input", "br", "hr"]);

export function element(name: string, attributes: Attributes, ...children: Child[]): Markup {
  const begin = `<${name}${Object.entries(attributes).map(attribute).join("")}>`;
  if (empty.has(name)) return { markup: begin };
  return { markup: `${begin}${textOf(children)}</${name}>` };
}

/** Text of our own that is neither escaped nor to be: a style, a script. */
export const verbatim = (markup: string): Markup => ({ markup });

function attribute([name, value]: [string, Attributes[string]]): string {
  if (value === undefined || value === false) return "";
  return value === true ? ` ${name}=""` : ` ${name}="${escaped(String(value))}"`;
}

function textOf(child: Child): string {
  if (child === undefined) return "";
  if (typeof child === "string" || typeof child === "number") return escaped(String(child));
  return "markup" in child ? child.markup : child.map(textOf).join("");
}

/**
 * What XML does not allow (XML 1.0, 2.2), other control characters, and those that turn the
 * direction of writing, by which a name could pass for another (Unicode TR 36), become U+FFFD.
 */
const unseemly =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu;

const replacements: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it can stand between tags, and in an attribute's quotes. */
export const escaped = (text: string): string =>
  text.replaceAll(unseemly, "\ufffd").replaceAll(/[&<>"']/g, (one) => replacements[one] ?? one);
