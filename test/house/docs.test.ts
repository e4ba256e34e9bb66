import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withChecks } from "../../docs/doctor.ts";
import { pages } from "../../docs/pages.ts";
import { version } from "../../package.json" with { type: "json" };
import { top } from "./sources.ts";

const made = pages(version);

test("the commands' pages are as `npm run docs` writes them", () => {
  const written = ["commands", "man"].flatMap((folder) =>
    readdirSync(join(top, "docs", folder)).map((name) => `${folder}/${name}`),
  );
  expect(written.sort()).toEqual([...made.keys()].sort());
  const behind = written.filter(
    (path) => readFileSync(join(top, "docs", path), "utf8") !== made.get(path),
  );
  expect(behind).toEqual([]);
});

test("doctor.md has all checks, as `npm run docs` writes them", () => {
  const page = readFileSync(join(top, "docs/doctor.md"), "utf8");
  expect(page).toBe(withChecks(page));
});

test("what the pages link to is there", () => {
  const lost = [...made]
    .filter(([path]) => path.endsWith(".md"))
    .flatMap(([path, text]) =>
      Array.from(text.matchAll(/\]\(([^)#]*)(#[^)]*)?\)/g), ([, to = "", anchor = ""]) => ({
        path,
        to: to === "" ? path : `commands/${to}`,
        anchor,
      })),
    )
    .filter(({ to }) => to !== "commands/../man")
    .filter(({ to, anchor }) => {
      const headings = made.get(to)?.match(/^#+ .*$/gm) ?? [];
      const anchors = headings.map((one) => one.replace(/^#+ /, "#").replaceAll(" ", "-"));
      return !made.has(to) || (anchor !== "" && !anchors.includes(anchor));
    });
  expect(lost).toEqual([]);
});

describe("the manual", () => {
  const manual = [...made].filter(([path]) => path.endsWith(".1"));

  /** As man(1) does it, but without what makes it bold: plain text. */
  const formatted = (page: string) =>
    spawnSync("groff", ["-man", "-Tutf8", "-ww", "-rLL=100n", "-P-cbuo"], {
      input: page,
      encoding: "utf8",
    });

  test.each(manual)("%s is formatted without a warning", (path, page) => {
    const { status, stdout, stderr } = formatted(page);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const name = path.replace(/^man\/(.*)\.1$/, "$1");
    expect(stdout).toContain(`${name.toUpperCase()}(1)`);
    expect(stdout).toContain(`  ${name} - `);
  });

  test("has what can be typed as it is typed", () => {
    const page = made.get("man/socketplane-network.1") ?? "";
    const { stdout } = formatted(page);
    expect(stdout).toContain("socketplane network create web 10.2.0.0/16\n");
    expect(stdout).toContain("--ip-range RANGE\n");
  });
});
