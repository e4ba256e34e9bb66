/** Families of generic netlink. Source: linux/genetlink.h. */
import { errno, SysError } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { NLM_F, text } from "./netlink.ts";
import { openNetlink } from "./netlink-socket.ts";

const NETLINK_GENERIC = 16;
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_NAME = 2;

/** Whether the kernel has the family; it loads the module that has it, if there is one. */
export function hasGenericFamily(ffi: Ffi, name: string): boolean {
  const socket = openNetlink(ffi, NETLINK_GENERIC);
  try {
    const answer = socket.ask({
      type: GENL_ID_CTRL,
      flags: NLM_F.request,
      // struct genlmsghdr: command, version, 16 reserved bits.
      head: Uint8Array.of(CTRL_CMD_GETFAMILY, 1, 0, 0),
      attributes: [text(CTRL_ATTR_FAMILY_NAME, name)],
    });
    if ("body" in answer) return true;
    if (answer.errno === errno("ENOENT")) return false;
    throw new SysError(answer.errno, {
      action: "look up",
      subject: `generic netlink family "${name}"`,
      call: "CTRL_CMD_GETFAMILY",
      text: answer.text,
    });
  } finally {
    socket.close();
  }
}
