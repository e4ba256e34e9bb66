/** Files of the run directory, as a full disk, an older version or somebody's hand leaves them. */
import type { Dir } from "../../lib/dir.ts";
import {
  type Assignment,
  blockName,
  formatAssignment,
  parseAssignment,
  parseBlockName,
} from "../../lib/ipam/assignment.ts";
import { isFresh, markAway, storeAway } from "../../lib/ipam/freshness.ts";
import { type HeldNetwork, readCache, writeCache } from "../../lib/ipam/held.ts";
import { completeNetwork, describe } from "../../lib/ipam/network.ts";
import { digestOf, peersOf, readPeers, writePeers } from "../../lib/ipam/peers.ts";
import { formatIp4, type Ip4 } from "../../lib/net/ip4.ts";
import { formatIp6, type Ip6 } from "../../lib/net/ip6.ts";
import { formatMac, ip6Of, type Mac } from "../../lib/net/mac.ts";
import { formatPrefix4, type Prefix4, parsePrefix4, parsePrefix6 } from "../../lib/net/prefix.ts";
import type { Revision } from "../../lib/store/store.ts";
import type { Random } from "../lib/random.ts";
import type { Target } from "./case.ts";
import { damagedText } from "./mutate-bytes.ts";
import { mutated, mutatedOften, textOf } from "./mutate-json.ts";

const prefix = (text: string) => parsePrefix4(text) as Prefix4;
const revision = 9 as Revision;

/** One file, whatever it is called; what is written into it can be read again. */
function oneFile(text = ""): Dir & { readonly text: () => string } {
  let content = text;
  const folder = {
    path: "/run/socketplane",
    text: () => content,
    read: () => content,
    replace: (_name: string, written: string) => {
      content = written;
    },
    close: () => {},
    open: () => folder,
  };
  return folder as unknown as Dir & { readonly text: () => string };
}

const network = completeNetwork(
  { name: "web", subnet: prefix("10.2.0.0/16"), subnet6: parsePrefix6("fd00:2::/64"), mtu: 1400 },
  7,
);
const peers = [
  { prefix: prefix("10.2.1.0/26"), vtep: { family: 4, address: 0xc0000202 as Ip4 } },
  {
    prefix: prefix("10.2.1.64/32"),
    vtep: { family: 6, address: 1n as Ip6 },
    mac: 0xa580001 as Mac,
  },
] as const;

const held: HeldNetwork = {
  stored: { network: { ...network, allowed: ["db"] }, revision },
  node: { name: "host-a", createRevision: revision },
  tunnel: { family: 6, address: 0xfd000000000000000000000000000001n as Ip6 },
  blocks: [
    { prefix: prefix("10.2.0.0/26"), revision },
    { prefix: prefix("10.2.9.9/32"), revision, mac: 0xa5800000001 as Mac },
  ],
  peers: peersOf(peers),
  revision,
  readAt: 5,
};

const assignment: Assignment = {
  id: { name: "web", containerId: "c1", ifname: "eth0" },
  network: "web",
  block: blockName({ prefix: prefix("10.2.0.0/26"), revision }),
  address: 0x0a020003 as Ip4,
  mac: 0x02420a020003 as Mac,
  ofport: 7,
  workload: { K8S_POD_NAME: "web-0" },
  limits: { send: { rate: 8000, burst: 800 }, receive: { rate: 9000, burst: 900 } },
};

const written = (write: (file: Dir) => void): string => {
  const file = oneFile();
  write(file);
  return file.text();
};

function broken(text: string, random: Random): string {
  if (random.below(3) === 0) return damagedText(text, random);
  return textOf(mutated(JSON.parse(text), random));
}

const text = (value: string) => (typeof value === "string" ? value : fail(value));
const fail = (value: unknown) => {
  throw new Error(`It took ${JSON.stringify(value)}`);
};
const whole = (value: number) => (Number.isSafeInteger(value) && value >= 0 ? value : fail(value));

const cache: Target = {
  name: "cache of a network",
  make: (random) => {
    const families = random.below(2) === 0 ? held : { ...held, tunnel: peers[0].vtep };
    const said = broken(
      written((file) => writeCache(file, families)),
      random,
    );
    return {
      input: said,
      act: () => {
        const found = readCache(oneFile(said));
        if (found === undefined) return "refused";
        describe(found.stored.network);
        for (const address of [found.stored.network.gateway, found.stored.network.range.first]) {
          ip6Of(found.stored.network.subnet6 ?? { base: 0n as Ip6, length: 0 }, address);
        }
        text(found.node.name);
        for (const block of found.blocks) {
          const { mac } = block;
          blockName(block);
          if (mac !== undefined) formatMac(mac);
        }
        if (found.tunnel?.family === 4) formatIp4(found.tunnel.address);
        if (found.tunnel?.family === 6) formatIp6(found.tunnel.address);
        for (const number of [found.revision, found.stored.revision, found.peers.digest]) {
          whole(number);
        }
        isFresh({ run: oneFile("5"), sinceBoot: () => 9 }, found.readAt);
        return "taken";
      },
    };
  },
};

const peerLeases: Target = {
  name: "peers of a network",
  make: (random) => {
    const said = broken(
      written((file) => writePeers(file, peers)),
      random,
    );
    const folder = oneFile(said);
    return {
      input: said,
      act: () => {
        const found = readPeers({ networks: folder, owners: folder, ports: folder }, "web");
        for (const peer of found) {
          formatPrefix4(peer.prefix);
          whole(digestOf(peer));
        }
        return found.length === 0 ? "refused" : "taken";
      },
    };
  },
};

const assignments: Target = {
  name: "assignment",
  make: (random) => {
    const json = JSON.parse(formatAssignment(assignment));
    const said =
      random.below(3) === 0
        ? damagedText(formatAssignment(assignment), random)
        : textOf(mutatedOften(json, random));
    const name = damagedText(assignment.block, random);
    return {
      input: { said, name },
      act: () => {
        const block = parseBlockName(name);
        if (block !== undefined) blockName(block);
        const found = parseAssignment(said);
        if (found === undefined) return "refused";
        if (parseAssignment(formatAssignment(found)) === undefined) fail(found);
        for (const value of Object.values(found.workload)) text(value);
        return "taken";
      },
    };
  },
};

const times: Target = {
  name: "what was seen of the store",
  make: (random) => {
    const run = (said: string) => ({ run: oneFile(said), sinceBoot: () => 100 });
    const away = written((file) => markAway({ run: file, sinceBoot: () => 99 }, "away"));
    const said = broken(away, random);
    return {
      input: said,
      act: () => {
        isFresh(run(said), 0);
        const reason = storeAway(run(said), "able");
        return reason === undefined ? "refused" : void text(reason);
      },
    };
  },
};

export const runDirTargets: readonly Target[] = [cache, peerLeases, assignments, times];
