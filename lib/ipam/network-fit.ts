/** Whether a network is as somebody asks for it: pure. */
import {
  completeNetwork,
  describe,
  formatRange,
  type Network,
  type NetworkSpec,
  trim,
} from "./network.ts";

/**
 * Whether the network is as the spec asks. Asked by every ADD; what differs, if anything does, is
 * told by `differences`.
 */
export function matches(network: Network, spec: NetworkSpec): boolean {
  const { subnet, subnet6 } = network;
  const same = <T>(wanted: T | undefined, found: T | undefined) =>
    wanted === undefined || wanted === found;
  return (
    spec.subnet.base === subnet.base &&
    spec.subnet.length === subnet.length &&
    same(spec.subnet6?.base, subnet6?.base) &&
    same(spec.subnet6?.length, subnet6?.length) &&
    same(spec.gateway, network.gateway) &&
    (spec.range === undefined ||
      formatRange(trim(spec.range, subnet)) === formatRange(network.range)) &&
    same(spec.blockLength, network.blockLength) &&
    same(spec.vni, network.vni) &&
    same(spec.mtu, network.mtu) &&
    same(spec.masquerade, network.masquerade)
  );
}

/** Names what the spec asks for and the network does not have; empty if it fits. */
export function differences(network: Network, spec: NetworkSpec): readonly string[] {
  const wanted = describe(completeNetwork({ ...spec, blockLength: spec.blockLength }, network.vni));
  const found = describe(network);
  const asked: Record<string, boolean> = {
    subnet: true,
    subnet6: spec.subnet6 !== undefined,
    gateway: spec.gateway !== undefined,
    ipRange: spec.range !== undefined,
    blockLength: spec.blockLength !== undefined,
    mtu: spec.mtu !== undefined,
    masquerade: spec.masquerade !== undefined,
  };
  const differing: string[] = [];
  for (const key of Object.keys(asked)) {
    if (asked[key] !== true || wanted[key] === found[key]) continue;
    differing.push(`${key} is ${found[key] ?? "not set"}, not ${wanted[key] ?? "unset"}`);
  }
  if (spec.vni !== undefined && spec.vni !== network.vni) {
    differing.push(`vni is ${network.vni}, not ${spec.vni}`);
  }
  return differing;
}
