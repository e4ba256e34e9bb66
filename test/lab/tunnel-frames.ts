/** Frames in VXLAN packets, as a hostile node may make them: past its own switch. */
import { start } from "./run.ts";

const sender = new URL("send-datagrams.ts", import.meta.url).pathname;
const vxlanPort = 4789;

/** A frame under a VNI (RFC 7348, section 5). */
export function vxlan(vni: number, frame: Uint8Array): Uint8Array {
  const header = Buffer.alloc(8);
  // The VNI is valid.
  header[0] = 0x08;
  header.writeUInt32BE(vni * 256, 4);
  return Buffer.concat([header, frame]);
}

/** Sends them from a node's own namespace to a VTEP, in their order. */
export async function sendTunnelled(
  netns: string,
  vtep: string,
  packets: readonly Uint8Array[],
): Promise<void> {
  const stdin = packets.map((packet) => Buffer.from(packet).toString("hex")).join("\n");
  const argv = [process.execPath, sender, vtep, `${vxlanPort}`];
  const { status, stderr } = await start({ netns, argv, stdin }).outcome;
  if (status !== 0) throw new Error(`Cannot send to ${vtep}: ${stderr}`);
}
