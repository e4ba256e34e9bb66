/** The picture's style: colours as they are, for programs that know no custom properties. */
import { dark, light, type Theme } from "./palette.ts";
import { fonts } from "./svg-text.ts";

export type SvgTheme = "light" | "dark" | "auto";

/** "auto" is light, and dark where the reader's system is; programs that can't ask show it light. */
export function svgStyle(theme: SvgTheme): string {
  const colours = theme === "dark" ? coloursOf(dark) : coloursOf(light);
  const dim = `@media (prefers-color-scheme:dark){${coloursOf(dark)}}`;
  return `${faces}${colours}${theme === "auto" ? dim : ""}`;
}

const faces = [
  `text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif;white-space:pre}`,
  `.code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}`,
  ...Object.entries(fonts).map(
    ([name, { size, face }]) =>
      `.f-${name}{font-size:${size}px${face === "bold" ? ";font-weight:650" : ""}}`,
  ),
  ".line{fill:none}.unknown{stroke-dasharray:5 5}.end{text-anchor:end}.middle{text-anchor:middle}",
].join("");

function coloursOf(theme: Theme): string {
  return [
    `.page{fill:${theme.page}}`,
    `.card{fill:${theme.card};stroke:${theme.line}}`,
    `.here{stroke:${theme.ink};stroke-width:2}`,
    `.badge{fill:${theme.ink}}.on-badge{fill:${theme.card}}`,
    `.rule{stroke:${theme.line}}`,
    `.notice{fill:${theme.notice}}.edge{fill:${theme.warning}}`,
    `.ink{fill:${theme.ink}}.soft{fill:${theme.soft}}`,
    `.good{fill:${theme.good}}.warning{fill:${theme.warning}}.bad{fill:${theme.bad}}.unknown{fill:${theme.soft}}`,
    `.line{fill:none;stroke:${theme.tunnel}}`,
    ...theme.networks.map((colour, at) => `.c${at}{fill:${colour}}`),
  ].join("");
}
