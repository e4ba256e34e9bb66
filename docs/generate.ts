/**
 * `npm run docs`: writes the pages of the commands, for a browser (docs/commands) and for man(1)
 * (docs/man), from the same definitions that the command reads its line by (lib/cli/groups.ts).
 *
 * Invariant: these two folders hold what is generated and nothing else; a test tells when they are
 * behind. The list at the end of doctor.md is of the checks (lib/doctor/checks.ts).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../package.json" with { type: "json" };
import { withChecks } from "./doctor.ts";
import { pages } from "./pages.ts";

const here = dirname(fileURLToPath(import.meta.url));
const made = pages(packageJson.version);
for (const folder of ["commands", "man"]) {
  mkdirSync(join(here, folder), { recursive: true });
  for (const name of readdirSync(join(here, folder))) {
    if (!made.has(`${folder}/${name}`)) rmSync(join(here, folder, name));
  }
}
for (const [path, text] of made) writeFileSync(join(here, path), text);
const doctor = join(here, "doctor.md");
writeFileSync(doctor, withChecks(readFileSync(doctor, "utf8")));
console.log(`docs/: ${made.size} pages`);
