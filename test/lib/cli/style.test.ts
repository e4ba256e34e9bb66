import { expect, test } from "vitest";
import { styleOf } from "../../../lib/cli/style.ts";

test.each([
  ["on a terminal", {}, true, true],
  ["in a pipe", {}, false, false],
  ["with NO_COLOR", { NO_COLOR: "1" }, true, false],
  ["with an empty NO_COLOR", { NO_COLOR: "" }, true, true],
  ["on a dumb terminal", { TERM: "dumb" }, true, false],
])("colours: %s", (_name, env, interactive, colors) => {
  expect(styleOf(env, interactive).colors).toBe(colors);
});

test.each([
  [{}, false],
  [{ LANG: "C" }, false],
  [{ LANG: "en_US.UTF-8" }, true],
  [{ LANG: "en_US.utf8" }, true],
  [{ LANG: "en_US.UTF-8", LC_ALL: "C" }, false],
  [{ LANG: "C", LC_CTYPE: "C.UTF-8" }, true],
  [{ LANG: "C.UTF-8", LC_CTYPE: "", LC_ALL: "" }, true],
])("more than ASCII: %j", (env, unicode) => {
  expect(styleOf(env, true).unicode).toBe(unicode);
});
