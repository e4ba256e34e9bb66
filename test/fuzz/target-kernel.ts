/** What the kernel replies by netlink, broken: another kernel's may be longer, or of other kinds. */

import type { Ffi } from "../../lib/sys/ffi.ts";
import { openLinks } from "../../lib/sys/kernel-driver.ts";
import { endsInDrop, foreignChains } from "../../lib/sys/nft-foreign.ts";
import { decodeReplies } from "../../lib/sys/nft-message.ts";
import { abiOf } from "../../lib/sys/syscalls.ts";
import type { Random } from "../lib/random.ts";
import type { Target } from "./case.ts";
import { damaged } from "./mutate-bytes.ts";
import ofKernel from "./recordings/kernel.json" with { type: "json" };
import { kernelTalks } from "./talks.ts";

const EAGAIN = -11;

/** Gives these datagrams one after the other, and then nothing in time. */
function paperKernel(datagrams: readonly Uint8Array[]): Ffi {
  const left = [...datagrams];
  return {
    abi: abiOf("x64"),
    address: () => 0,
    libc: () => () => 0,
    call: (name, _fd, buffer) => {
      if (name === "sendto" && buffer instanceof Uint8Array) return buffer.length;
      if (name !== "recvfrom" || !(buffer instanceof Uint8Array)) return 0;
      const datagram = left.shift();
      if (datagram === undefined) return EAGAIN;
      buffer.set(datagram.subarray(0, buffer.length));
      return datagram.length;
    },
  };
}

/** The first message alone, cut off, its own length being right. */
function shortened(bytes: Uint8Array, random: Random): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const copy = bytes.slice(0, headerLength + random.below(length - headerLength));
  new DataView(copy.buffer).setUint32(0, copy.length, true);
  return copy;
}

const headerLength = 16;

const netlink: Target = {
  name: "netlink",
  make: (random) => {
    const [what, talk] = random.one(Object.entries(kernelTalks));
    const recordings: Readonly<Record<string, readonly string[]>> = ofKernel.links;
    const came = (recordings[what] ?? []).map((text) => new Uint8Array(Buffer.from(text, "hex")));
    const at = random.below(came.length);
    const broken = random.below(3) === 0 ? shortened : damaged;
    const datagrams = came.map((bytes, index) => (index === at ? broken(bytes, random) : bytes));
    return {
      input: { what, datagrams },
      act: () => void talk(openLinks(paperKernel(datagrams))),
    };
  },
};

const nftables: Target = {
  name: "nftables",
  make: (random) => {
    const bytes = damaged(Buffer.from(random.one(ofKernel.chains), "hex"), random);
    return {
      input: bytes,
      act: () => {
        const replies = decodeReplies(bytes);
        foreignChains(replies);
        endsInDrop(replies);
      },
    };
  },
};

export const kernelTargets: readonly Target[] = [netlink, nftables];
