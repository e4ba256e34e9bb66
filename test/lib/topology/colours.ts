/** How colours are seen: contrast (WCAG 2.2), colour-blind sight (Machado 2009), OKLab (Ottosson 2020). */

/** Linear light, each from 0 to 1. */
export type Rgb = readonly [number, number, number];

/** Of "#rrggbb", or of "rgb(r, g, b)" as a browser gives it. */
export function lightOf(colour: string): Rgb {
  const [r = 0, g = 0, b = 0] = colour.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : Array.from(colour.matchAll(/[\d.]+/g), ([number]) => Number(number));
  return [linear(r), linear(g), linear(b)];
}

function linear(value: number): number {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

/** From 1 to 21. */
export function ratio(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [one, other].map(luminance).sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = lightOf(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

type Matrix = readonly [Rgb, Rgb, Rgb];

const times = (matrix: Matrix, [r, g, b]: Rgb): Rgb => {
  const row = ([x, y, z]: Rgb) => x * r + y * g + z * b;
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
};

const seen =
  (matrix: Matrix) =>
  (colour: Rgb): Rgb => {
    const [r, g, b] = times(matrix, colour);
    const held = (value: number) => Math.min(1, Math.max(0, value));
    return [held(r), held(g), held(b)];
  };

/** Who lacks one of the three kinds of cones. */
export const seenBy = {
  usual: (colour: Rgb): Rgb => colour,
  protanopic: seen([
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ]),
  deuteranopic: seen([
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ]),
  tritanopic: seen([
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ]),
} as const;

/** In OKLab. */
export function distance(one: Rgb, other: Rgb): number {
  const [a, b] = [oklab(one), oklab(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function oklab(colour: Rgb): Rgb {
  const [l, m, s] = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    colour,
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)],
  );
}
