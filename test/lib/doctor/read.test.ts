import { expect, test } from "vitest";
import { rightsOf } from "../../../lib/doctor/read.ts";
import { readBin, versionIn } from "../../../lib/doctor/read-files.ts";
import { listsOf } from "./healthy.ts";

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

test("a chained plugin is found where its package has put it; ours, and what lists name by a path, are not looked for", async () => {
  const there = ["/opt/cni/bin/tuning", "/usr/lib/cni/portmap", "/usr/lib/cni/socketplane"];
  const looking = {
    places: {
      absolute: (path: string) => path,
      program: (path: string) => (there.includes(path) ? "there" : "absent"),
      names: () => [],
      says: async () => undefined,
    },
    bin: "/opt/cni/bin",
    conf: "/etc/cni/net.d",
    version: "0.1.0",
    readFile: () => undefined,
  } as const;
  const types = ["socketplane", "portmap", "tuning", "sbr", "../../usr/lib/cni/portmap"];
  const text = JSON.stringify({
    cniVersion: "1.0.0",
    name: "web",
    plugins: types.map((type) => ({ type })),
  });
  const { programs } = await readBin(looking, listsOf({ "10-web.conflist": text }));
  const found = programs.map(({ name, state, elsewhere }) => [name, state, elsewhere]);
  expect(found).toContainEqual(["portmap", "absent", "/usr/lib/cni"]);
  expect(found).toContainEqual(["tuning", "there", undefined]);
  expect(found.filter(([, , elsewhere]) => elsewhere !== undefined)).toHaveLength(1);
});
