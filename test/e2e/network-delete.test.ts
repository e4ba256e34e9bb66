/** A network that goes while others use it, or whose delete is killed. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { attach, codeOf, detach } from "../lab/attach.ts";
import { dyingBefore, parseDeeds } from "../lab/deeds.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables, type LabNode } from "../lab/node.ts";
import { reaches } from "../lab/probe.ts";
import { must, run } from "../lab/run.ts";

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

const conf = { cniVersion: "1.1.0", name: "db", type: "socketplane", subnet: "10.3.0.0/29" };

const deleteUnder = (under: readonly string[]) =>
  run({
    argv: [...under, `${executables}socketplane`, "network", "delete", "db"],
    netns: node.netns,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SOCKETPLANE_CONFIG: node.config },
  });

/** What strace shows of a delete that comes to its end: it writes to its standard error. */
async function deedsOfDelete() {
  const all = "ioctl,linkat,mkdirat,openat,renameat2,sendto,unlinkat,write";
  const { stderr } = await deleteUnder(["strace", "-e", `trace=${all}`]);
  return parseDeeds(stderr);
}

async function useOnce(): Promise<void> {
  const container = node.addContainer();
  await attach(node, container, conf);
  expect(await reaches(container.netns, "10.3.0.1")).toBe(true);
  await detach(node, container, conf);
  container.remove();
}

test("a delete that is killed before any of its deeds is finished by the next", {
  timeout: 600_000,
}, async () => {
  await useOnce();
  const deeds = await deedsOfDelete();
  expect(deeds.length).toBeGreaterThan(10);
  for (const deed of deeds) {
    await useOnce();
    await deleteUnder(dyingBefore(deed));
    // Either one goes on: whoever uses the network next, or whoever deletes it.
    if (deeds.indexOf(deed) % 2 === 0) await useOnce();
    const { json } = await node.socketplane("network", "list");
    if (JSON.stringify(json) !== "[]") {
      const { status, stderr } = await deleteUnder([]);
      expect({ deed: deed.shown, status, stderr: status === 0 ? "" : stderr }).toEqual({
        deed: deed.shown,
        status: 0,
        stderr: "",
      });
    }
    const rules = await must({ netns: node.netns, argv: ["nft", "list", "ruleset"] });
    expect({ deed: deed.shown, rules: rules.includes("sp-db") }).toMatchObject({ rules: false });
    await assertNothingLeft([node], { killed: true });
  }
});

test("an ADD under way never gets the address of the node itself", async () => {
  await useOnce();
  for (const nth of [1, 2, 3, 4, 5, 6]) {
    const container = node.addContainer();
    const slow = ["strace", "-o", "/dev/null", "-e", "trace=linkat"];
    // It stands still where it has chosen, and the delete goes on meanwhile; or the other way round.
    const adding = node.cni({
      command: "ADD",
      conf,
      container,
      under: [...slow, "-e", "inject=linkat:delay_enter=400000:when=2"],
    });
    const pause = ["-e", "trace=unlinkat", "-e", `inject=unlinkat:delay_enter=600000:when=${nth}`];
    await deleteUnder(["strace", "-o", "/dev/null", ...pause]);
    const added = await adding;
    await assertSound([node]);
    if (codeOf(added) === 0) expect(await reaches(container.netns, "10.3.0.1")).toBe(true);
    await detach(node, container, conf);
    container.remove();
  }
});
