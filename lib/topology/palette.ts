/**
 * Colours and shapes, by which networks are told apart, and the colours of all else. Pure.
 *
 * Six colours that stay apart for who sees no red, no green or no blue (the tests compute it), each
 * with a shape too: thirty-six networks differ in one of the two, and all in their names, which
 * stand beside them.
 */

/** As "#rrggbb". */
export interface Theme {
  readonly page: string;
  readonly card: string;
  /** A network's heading, a button. */
  readonly raised: string;
  readonly ink: string;
  /** For what is said beside the main thing. */
  readonly soft: string;
  readonly line: string;
  readonly tunnel: string;
  readonly good: string;
  readonly bad: string;
  readonly warning: string;
  /** Behind what is not known. */
  readonly notice: string;
  readonly networks: readonly string[];
}

export const light: Theme = {
  page: "#f4f6f8",
  card: "#ffffff",
  raised: "#f1f4f7",
  ink: "#16202b",
  soft: "#52606e",
  line: "#d5dce3",
  tunnel: "#74838f",
  good: "#0b7a55",
  bad: "#b3261e",
  warning: "#8a5300",
  notice: "#fff4dc",
  networks: ["#0f4fdc", "#ee4b0e", "#0d9e73", "#9b74cb", "#2c3971", "#784600"],
};

export const dark: Theme = {
  page: "#0f1317",
  card: "#171b21",
  raised: "#20262e",
  ink: "#e8edf2",
  soft: "#a3b0bd",
  line: "#323b45",
  tunnel: "#8795a3",
  good: "#4cc79a",
  bad: "#ff8a80",
  warning: "#f0b429",
  notice: "#2e2612",
  networks: ["#3fbcf7", "#fa6d28", "#21ac74", "#f48cc0", "#8d6ee6", "#f0e05a"],
};

/** Paths in a square of 16 by 16. */
const shapes: readonly string[] = [
  "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12z",
  "M2.8 2.8h10.4v10.4h-10.4z",
  "M8 .8l7.2 7.2l-7.2 7.2l-7.2-7.2z",
  "M8 1.6l7.2 12.6h-14.4z",
  "M5.8 1.5h4.4v4.3h4.3v4.4h-4.3v4.3h-4.4v-4.3h-4.3v-4.4h4.3z",
  "M8 14.4l-7.2-12.6h14.4z",
];

/** The colour and the shape of the network at this place of the list. */
export const markOf = (at: number): { readonly colour: number; readonly shape: string } => ({
  colour: at % light.networks.length,
  shape: shapes[(at + Math.floor(at / shapes.length)) % shapes.length] ?? "",
});
