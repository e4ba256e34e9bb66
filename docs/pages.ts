/** All pages that are generated, by their paths in docs/: pure. See generate.ts. */
import { entries } from "../lib/cli/groups.ts";
import { commandManual, topManual } from "./manual.ts";
import { commandPage, indexPage } from "./markdown.ts";

/** `version` is the package's. */
export const pages = (version: string): ReadonlyMap<string, string> =>
  new Map([
    ["commands/README.md", indexPage()],
    ["man/socketplane.1", topManual(version)],
    ...entries.flatMap((entry): readonly (readonly [string, string])[] => [
      [`commands/${entry.name}.md`, commandPage(entry)],
      [`man/socketplane-${entry.name}.1`, commandManual(entry, version)],
    ]),
  ]);
