/** A node in this process, on a real switch, with what is held of a network written down. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realWorld } from "../../../cmd/world.ts";
import type { Host } from "../../../lib/attach/host.ts";
import { gatewayAttachment } from "../../../lib/attach/names.ts";
import { openNode, type World } from "../../../lib/attach/node.ts";
import { blockName } from "../../../lib/ipam/assignment.ts";
import { type HeldNetwork, underLock, writeCache } from "../../../lib/ipam/held.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import { type PeerLease, peersOf, writePeers } from "../../../lib/ipam/peers.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import type { FlowChange } from "../../../lib/ovs/switch.ts";
import type { Revision } from "../../../lib/store/store.ts";
import { openFfi } from "../../../lib/sys/ffi-node.ts";
import type { Ovs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";

export const ip = (text: string) => parseIp4(text) as Ip4;
export const prefix = (text: string) => parsePrefix4(text) as Prefix4;
export const vtep = (text: string) => ({ family: 4, address: ip(text) }) as const;

export interface TestHost {
  readonly host: Host;
  /** The changes of each bundle that was committed. */
  readonly bundles: (readonly FlowChange[])[];
  /** Writes down what is held of network "web", and its peers' leases. */
  readonly hold: (peers: readonly PeerLease[], blocks?: readonly string[]) => Promise<HeldNetwork>;
  readonly close: () => void;
}

/** The switch has a bridge "sp0". */
export function openTestHost(ovs: Ovs): TestHost {
  const folder = mkdtempSync(join(tmpdir(), "sp-host-"));
  const bundles: (readonly FlowChange[])[] = [];
  const real = realWorld(openFfi(), {
    env: {},
    clock: () => performance.now(),
    writeStderr: () => {},
  });
  const world: World = {
    ...real,
    openFlows: (path, deadline) => {
      const flows = real.openFlows(path, deadline);
      const stage: typeof flows.stage = (changes, until) => {
        const staged = flows.stage(changes, until);
        bundles.push(changes);
        return staged;
      };
      return { ...flows, stage };
    },
  };
  const json = { runDir: join(folder, "run"), ovs: { runDir: ovs.runDir } };
  const host = openNode(world, parseNodeConfig(JSON.stringify(json), "node.json"));
  const network = completeNetwork({ name: "web", subnet: prefix("10.0.0.0/8") }, 100);
  let revision = 0;
  const hold: TestHost["hold"] = async (peers, blocks = ["10.200.0.0/26"]) => {
    revision += 1;
    const held: HeldNetwork = {
      stored: { network, revision: 1 as Revision },
      node: { name: "host-a", createRevision: 1 as Revision },
      tunnel: vtep("192.0.2.1"),
      blocks: blocks.map((text) => ({ prefix: prefix(text), revision: 5 })),
      peers: peersOf(peers),
      revision: revision as Revision,
      readAt: host.ipam.sinceBoot(),
    };
    await underLock(host.ipam, "web", within(), async (locked) => {
      for (const block of held.blocks) locked.make(blockName(block)).close();
      writePeers(locked, peers);
      writeCache(locked, held);
    });
    const id = gatewayAttachment("web");
    assign(host.ipam.dirs, { id, network, blocks: held.blocks, port: "give", workload: {} });
    return held;
  };
  const close = () => {
    host.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { host, bundles, hold, close };
}

/** As many leases of as many nodes as there are to be, /26 each, from 10.0.0.0 on. */
export function leasesOf(nodes: number, each: number): readonly PeerLease[] {
  return Array.from({ length: nodes * each }, (_, index) => {
    const node = Math.floor(index / each);
    return {
      prefix: { base: (ip("10.0.0.0") + index * 64) as Ip4, length: 26 },
      vtep: { family: 4, address: (ip("172.16.0.0") + node) as Ip4 },
    } as const;
  });
}
