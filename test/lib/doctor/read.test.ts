import { expect, test } from "vitest";
import { rightsOf } from "../../../lib/doctor/read.ts";
import { versionIn } from "../../../lib/doctor/read-files.ts";

const status = (uid: number, capabilities: string) =>
  `Name:\tsocketplane\nUid:\t1000\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities}\n`;

test("rights are those that count: the effective user's, and its capabilities", () => {
  expect(rightsOf(status(0, "000001ffffffffff"))).toEqual({ user: 0, lacking: [] });
  expect(rightsOf(status(1000, "0000000000000000"))).toEqual({
    user: 1000,
    lacking: ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"],
  });
  // As Docker gives them.
  expect(rightsOf(status(0, "00000000a80425fb")).lacking).toEqual([
    "CAP_NET_ADMIN",
    "CAP_SYS_ADMIN",
  ]);
});

test("a plugin's version, as each of ours says it", () => {
  expect(versionIn("0.1.0\n".trim())).toBe("0.1.0");
  expect(versionIn("SocketPlane 0.1.0: cluster-wide addresses, under any plugin")).toBe("0.1.0");
  expect(versionIn("CNI bridge plugin v1.1.1")).toBeUndefined();
  expect(versionIn(undefined)).toBeUndefined();
});
