import { expect, test } from "vitest";
import {
  stepFor,
  usualPlaces,
  type Wanted,
  wantedFiles,
} from "../../../lib/service/install-plan.ts";
import type { Installed } from "../../../lib/service/installed.ts";
import type { Found } from "../../../lib/sys/tree.ts";

test("what is wanted, with systemd and without", () => {
  const paths = (units: "units" | "no units") =>
    wantedFiles({ ...usualPlaces, cniBin: "/usr/lib/cni", prefix: "/opt/sp" }, units).map(
      ({ path }) => path,
    );
  const both = [
    "/usr/lib/cni/socketplane",
    "/usr/lib/cni/socketplane-ipam",
    "/opt/sp/bin/socketplane",
    "/etc/cni/net.d/10-socketplane.conflist",
    "/etc/socketplane/node.json",
  ];
  expect(paths("no units")).toEqual(both);
  expect(paths("units")).toEqual([
    ...both.slice(0, 3),
    "/etc/systemd/system/socketplane-agent.service",
    "/etc/systemd/system/socketplane-etcd.service",
    ...both.slice(3),
  ]);
  const [, , , agent] = wantedFiles({ ...usualPlaces, prefix: "/opt/sp" }, "units");
  expect(agent?.content).toMatchObject({
    text: expect.stringContaining("ExecStart=/opt/sp/bin/socketplane agent run\n"),
  });
});

const path = "/there";
const wanted = {
  program: { path, kind: "program", content: { kind: "executable" } },
  link: { path, kind: "program", content: { kind: "link", target: "/bin/socketplane" } },
  unit: { path, kind: "unit", content: { kind: "text", text: "", mode: 0 } },
  sample: { path, kind: "sample", content: { kind: "text", text: "", mode: 0 } },
} satisfies Record<string, Wanted>;

const file = (hash: string): Found => ({ kind: "file", hash });
const link = (target: string): Found => ({ kind: "link", target });
const record = (mark: string, isComplete = true): Installed => ({
  version: "0",
  isComplete,
  files: [{ path, marks: [mark] }],
  folders: [],
});
const none = undefined;
const ours = record("sha256:old");
const write = (over?: string) => ({ do: "write", over });
const keep = (why: string) => ({ do: "keep", why });
const refuse = (why: string) => ({ do: "refuse", why });

test.each([
  ["program", none, none, write()],
  ["program", file("new"), none, { do: "nothing", isOurs: false }],
  ["program", file("new"), record("sha256:new"), { do: "nothing", isOurs: true }],
  // Put there by hand, or by an earlier install.
  ["program", file("old"), none, write("sha256:old")],
  ["program", file("old"), ours, write("sha256:old")],
  ["program", none, ours, write()],
  ["program", link("/x"), none, refuse("it is a link")],
  ["program", { kind: "folder" }, none, refuse("it is a folder")],
  ["program", { kind: "other" }, none, refuse("it is a socket or device")],
  ["unit", none, none, write()],
  ["unit", file("theirs"), none, keep("it was there")],
  ["unit", file("theirs"), ours, keep("it was changed")],
  ["unit", file("old"), ours, write("sha256:old")],
  ["unit", none, ours, write()],
  ["unit", link("/dev/null"), ours, refuse("it is a link")],
  ["sample", none, none, write()],
  ["sample", file("theirs"), none, keep("it was there")],
  ["sample", none, ours, keep("it was removed, and is not written again")],
  // That install was killed before it wrote it.
  ["sample", none, record("sha256:old", false), write()],
  ["sample", file("old"), ours, write("sha256:old")],
] as const)("%s, found %j, with %j: %j", (name, found, before, step) => {
  expect(stepFor(wanted[name], "sha256:new", found, before)).toEqual(step);
});

test.each([
  [link("/bin/socketplane"), none, { do: "nothing", isOurs: false }],
  [link("/elsewhere/socketplane"), none, write("link:/elsewhere/socketplane")],
  [link("/bin/other"), none, refuse("it is no link of ours")],
  [link("/bin/other"), record("link:/bin/other"), write("link:/bin/other")],
  [file("x"), none, refuse("it is no link of ours")],
])("the command's link, found %j, with %j: %j", (found, before, step) => {
  expect(stepFor(wanted.link, "link:/bin/socketplane", found, before)).toEqual(step);
});
