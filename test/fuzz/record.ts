/**
 * Records anew what a real Open vSwitch and this kernel reply: `npm run fuzz -- --record`.
 *
 * The recordings are kept, so that the same numbers make the same cases on every machine.
 */
import { writeFileSync } from "node:fs";
import { openFfi } from "#ffi";
import { openDatabase } from "../../lib/ovs/database.ts";
import { openFlows } from "../../lib/ovs/flows.ts";
import type { ByteStream } from "../../lib/stream.ts";
import type { Ffi } from "../../lib/sys/ffi.ts";
import { openKernel } from "../../lib/sys/kernel-driver.ts";
import { openNetlink } from "../../lib/sys/netlink-socket.ts";
import { inside } from "../../lib/sys/netns.ts";
import { askBaseChains, foreignChains } from "../../lib/sys/nft-foreign.ts";
import { decodeReplies } from "../../lib/sys/nft-message.ts";
import { type Ovs, startOvs } from "../lab/ovs.ts";
import { must } from "../lab/run.ts";
import { connect } from "../lib/ovs/clients.ts";
import { databaseTalks, flowTalks, kernelTalks, type Talks } from "./talks.ts";

const NETLINK_NETFILTER = 12;

export async function record(): Promise<void> {
  const ovs = await startOvs();
  try {
    const database = onSocket(databaseTalks, openDatabase, () => connect(ovs.runDir, "db.sock"));
    ovs.vsctl("set", "bridge", "sp0", "protocols=OpenFlow10,OpenFlow15");
    const flows = onSocket(flowTalks, openFlows, () => connect(ovs.runDir, "sp0.mgmt"));
    const kernel = await byKernel(ovs);
    for (const [name, recordings] of Object.entries({ database, flows, kernel })) {
      const file = new URL(`recordings/${name}.json`, import.meta.url);
      writeFileSync(file, `${JSON.stringify(recordings, undefined, 2)}\n`);
    }
  } finally {
    await ovs.stop();
  }
}

/** All that comes on a connection, each talk's as hexadecimal digits. */
function onSocket<Client extends { readonly close: () => void }>(
  talks: Talks<Client>,
  open: (stream: ByteStream) => Client,
  connect: () => ByteStream,
): Readonly<Record<string, string>> {
  const recorded = Object.entries(talks).map(([name, talk]) => {
    const came: Uint8Array[] = [];
    const stream = connect();
    const receive: ByteStream["receive"] = (deadline) => {
      const bytes = stream.receive(deadline);
      if (bytes !== undefined) came.push(bytes.slice());
      return bytes;
    };
    const client = open({ ...stream, receive });
    unlessRefused(() => talk(client));
    client.close();
    return [name, Buffer.concat(came).toString("hex")] as const;
  });
  return Object.fromEntries(recorded);
}

/** What is refused is recorded too. */
function unlessRefused(act: () => unknown): void {
  try {
    act();
  } catch {
    // As it was meant to be.
  }
}

/** Each datagram of a talk; of a namespace whose addresses are nobody's. */
async function byKernel({ netns }: Ovs) {
  const commands = [
    "ip address add 192.0.2.1/24 dev sp0",
    "ip link set sp0 up",
    "ip route add 198.51.100.0/24 via 192.0.2.9 mtu 1300",
    "ip -6 address add 2001:db8::1/64 dev sp0 nodad",
    "nft add table ip theirs",
    "nft add chain ip theirs forward { type filter hook forward priority 0; policy drop; }",
    "nft add rule ip theirs forward counter reject",
  ];
  for (const command of commands) await must({ netns, argv: command.split(" ") });
  const heard: Uint8Array[] = [];
  const real = openFfi();
  const ffi: Ffi = {
    ...real,
    call: (name, ...args) => {
      const result = real.call(name, ...args);
      const [, buffer] = args;
      if (name === "recvfrom" && buffer instanceof Uint8Array && result > 0) {
        heard.push(buffer.slice(0, result));
      }
      return result;
    },
  };
  const taken = () => heard.splice(0).map((bytes) => Buffer.from(bytes).toString("hex"));
  const kernel = openKernel(ffi);
  const place = kernel.openNetns(netns);
  if (place === undefined) throw new Error(`Cannot open ${netns}`);
  const links = Object.entries(kernelTalks).map(([name, talk]) => {
    const opened = kernel.links(place);
    unlessRefused(() => talk(opened));
    opened.close();
    return [name, taken()] as const;
  });
  const socket = inside(ffi, place, () => openNetlink(ffi, NETLINK_NETFILTER));
  unlessRefused(() => socket.dump(askBaseChains, "chains"));
  const chains = taken();
  for (const { askRules } of chains.flatMap((text) =>
    foreignChains(decodeReplies(Buffer.from(text, "hex"))),
  )) {
    unlessRefused(() => socket.dump(askRules, "rules"));
  }
  socket.close();
  return { links: Object.fromEntries(links), chains: [...chains, ...taken()] };
}
