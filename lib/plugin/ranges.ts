/**
 * Which addresses a network is to have, in host-local's words: `subnet`, `rangeStart`, `rangeEnd`,
 * `gateway`, and `ranges`, which has the same in sets. See config.ts for the folder's note.
 *
 * host-local gives one address of each set; here a network has one subnet of each family, and IPv6
 * addresses follow from the IPv4 ones. What else `ranges` can say is refused, not passed over.
 */
import { type Faults, type Reader, shown } from "../faults.ts";
import type { Range } from "../ipam/network.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import {
  contains4,
  formatPrefix4,
  last4,
  meantPrefix4,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from "../net/prefix.ts";

export interface Ranges {
  readonly subnet?: Prefix4 | undefined;
  readonly subnet6?: Prefix6 | undefined;
  readonly gateway?: Ip4 | undefined;
  readonly range?: Range | undefined;
}

/** A list of sets, each a list of ranges. `where` is for messages. */
export function readSets(value: unknown, where: string, faults: Faults): Ranges {
  if (value === undefined || value === null) return {};
  if (!Array.isArray(value)) {
    faults.add(`"${where}" must be a list of lists of ranges, not ${shown(value)}`);
    return {};
  }
  const ranges = value.flatMap((set: unknown, index): Ranges[] => {
    if (Array.isArray(set) && set.length === 1) {
      return [readRangeOf(faults.object(set[0], `${where}[${index}][0]`))];
    }
    faults.add(`"${where}[${index}]" must be a list of one range: a network has one subnet`);
    return [];
  });
  for (const key of ["subnet", "subnet6"] as const) {
    if (ranges.filter((one) => one[key] !== undefined).length < 2) continue;
    faults.add(`"${where}" has several subnets of one family: a network has one`);
  }
  return Object.assign({}, ...ranges);
}

/** A subnet and what stands beside it. */
function readRangeOf(at: Reader): Ranges {
  const subnet6 = parsePrefix6(at.text("subnet") ?? "");
  if (subnet6 === undefined) {
    if (at.ok && !at.has("subnet")) at.fault("subnet", "is missing");
    const subnet = subnetAt(at, "subnet");
    const gateway = at.parsed("gateway", "an IPv4 address", parseIp4);
    return {
      ...(subnet && { subnet }),
      ...(gateway !== undefined && { gateway }),
      ...readEnds(at, subnet),
    };
  }
  for (const key of ["rangeStart", "rangeEnd", "gateway"]) {
    if (at.has(key)) at.fault(key, "cannot be chosen: IPv6 addresses follow from the IPv4 ones");
  }
  return { subnet6 };
}

/** `rangeStart` and `rangeEnd` beside a subnet; either may be left out. */
export function readEnds(at: Reader, subnet: Prefix4 | undefined): Pick<Ranges, "range"> {
  if (!at.has("rangeStart") && !at.has("rangeEnd")) return {};
  const endAt = (key: string) => {
    const end = at.parsed(key, "an IPv4 address", parseIp4);
    if (end === undefined || subnet === undefined || contains4(subnet, end)) return end;
    at.fault(key, `${formatIp4(end)} is not in ${formatPrefix4(subnet)}`);
    return undefined;
  };
  const first = endAt("rangeStart");
  const last = endAt("rangeEnd");
  if (subnet === undefined) return {};
  const range = { first: first ?? subnet.base, last: last ?? last4(subnet) };
  if (range.first > range.last) at.fault("rangeEnd", 'must not be below "rangeStart"');
  return { range };
}

/** An IPv4 prefix. One with host bits is refused, as host-local does: it may be a slip. */
export function subnetAt(at: Reader, key: string): Prefix4 | undefined {
  const text = at.text(key);
  if (text === undefined) return undefined;
  const subnet = parsePrefix4(text);
  if (subnet !== undefined) return subnet;
  const meant = meantPrefix4(text);
  const hint = meant === undefined ? "" : `: did you mean "${meant}"?`;
  at.fault(key, `must be an IPv4 prefix, not ${shown(text)}${hint}`);
  return undefined;
}
