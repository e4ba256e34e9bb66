/** What a terminal shows: colours, and more than ASCII. See main.ts for the folder's note. */

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Pure. Colours only on a terminal that has them, and not where NO_COLOR is set (no-color.org); more
 * than ASCII where the locale is one of UTF-8 (locale(7): the first of these that is set counts).
 */
export function styleOf(env: Env, interactive: boolean) {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return {
    colors: interactive && !env.NO_COLOR && env.TERM !== "dumb",
    unicode: /utf-?8/i.test(locale),
  };
}
