/** The end of docs/doctor.md, made of the checks: pure. See generate.ts. */
import { type Area, areas } from "../lib/doctor/check.ts";
import { checks } from "../lib/doctor/checks.ts";

const heading = "\n## All checks\n";

/** The page with its list of checks as they are now; what is before that is written by hand. */
export function withChecks(page: string): string {
  const at = page.indexOf(heading);
  if (at < 0) throw new Error(`docs/doctor.md has no line "${heading.trim()}"`);
  return `${page.slice(0, at)}${heading}\n${listOfChecks()}`;
}

function listOfChecks(): string {
  const parts = (Object.keys(areas) as Area[]).map((area) => {
    const own = checks.filter(({ id }) => id.startsWith(`${area}.`));
    return `### ${areas[area]}\n\n${own.map(entryOf).join("\n\n")}\n`;
  });
  return parts.join("\n");
}

function entryOf({ id, asks, remedy, needs = [], comesOf = [] }: (typeof checks)[number]): string {
  const lines = [`**\`${id}\`**: ${asks}`, `What to do: ${remedy}`];
  const after = needs.map((one) => `\`${one}\``).join(", ");
  if (needs.length > 0) lines.push(`Unknown without: ${after}.`);
  const before = comesOf.map((one) => `\`${one}\``).join(", ");
  if (comesOf.length > 0) lines.push(`Unknown where this is broken: ${before}.`);
  return lines.join("\\\n");
}
