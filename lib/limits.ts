/** What a container may send and receive at most, as it is written down with its attachment. */

export interface Limit {
  /** Kilobits (1,000 bits) a second. */
  readonly rate: number;
  /** Kilobits that may be more at once. */
  readonly burst: number;
}

export interface Limits {
  readonly send?: Limit;
  readonly receive?: Limit;
}

/** "8000/800" */
export const formatLimit = ({ rate, burst }: Limit): string => `${rate}/${burst}`;

export function parseLimit(text: string): Limit | undefined {
  const [rate, burst, ...rest] = text.split("/").map(Number);
  return rest.length === 0 ? limitOf(rate, burst) : undefined;
}

/** As JSON has them. */
export const formatLimits = ({ send, receive }: Limits): Readonly<Record<string, string>> => ({
  ...(send && { send: formatLimit(send) }),
  ...(receive && { receive: formatLimit(receive) }),
});

/** Reads limits as JSON has them; undefined for anything else, and for none. */
export function parseLimits(json: unknown): Limits | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { send, receive } = json as { readonly send?: unknown; readonly receive?: unknown };
  return limitsOf(parsed(send), parsed(receive));
}

/** Undefined where there is neither. */
export const limitsOf = (
  send: Limit | undefined,
  receive: Limit | undefined,
): Limits | undefined =>
  send === undefined && receive === undefined
    ? undefined
    : { ...(send && { send }), ...(receive && { receive }) };

const parsed = (text: unknown) => (typeof text === "string" ? parseLimit(text) : undefined);

/** The largest number in a message to the switch. */
export const largestLimit = 0xffff_ffff;

function limitOf(rate: number | undefined, burst: number | undefined): Limit | undefined {
  return isCount(rate) && isCount(burst) ? { rate, burst } : undefined;
}

const isCount = (value: number | undefined): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= largestLimit;
