/** How much, in words. Pure. */

const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** Bytes with three digits at most, in powers of a thousand: "0 B", "1.5 kB", "230 MB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** With thousands apart: "12 345". */
export const formatCount = (count: number): string =>
  String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");

/** "1 node", "3 nodes", "2 policies". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
