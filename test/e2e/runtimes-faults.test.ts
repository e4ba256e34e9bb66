/** The executables with either runtime in them where something fails: what they do and say is one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deed, deedsOf, dyingBefore, failingAt } from "../lab/deeds.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall } from "../lab/node.ts";
import { until } from "../lab/until.ts";
import { alike, openSides, type Side, type Sides, said } from "./both.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const killed = { killed: true } as const;

let lab: Lab;
let sides: Sides;
beforeAll(async () => {
  lab = openLab();
  sides = await openSides(lab, conf);
});
afterAll(() => lab.close());

const ask = (command: CniCall["command"], more: Partial<CniCall> = {}) =>
  alike(sides, async ({ cni }) => said(await cni(command, more)));

async function nothingIsLeft(): Promise<void> {
  for (const { node } of sides) await assertNothingLeft([node], killed);
}

/** Node wakes threads of its own, and its main thread is given our name. */
const isNodes = ({ shown }: Deed) =>
  /^write\(\d+, "(\*|\\1(\\0){7}|socketplane)", \d+\)|"\/proc\/self\/comm"/.test(shown);

async function ownDeeds({ node, call }: Side, command: CniCall["command"], more = {}) {
  const { deeds } = await deedsOf(node, call(command, more));
  return deeds.filter((deed) => !isNodes(deed));
}

/** All but numbers: descriptors, process ids, ports, MACs. */
const nameless = ({ shown }: Deed) =>
  shown
    .replace(/\) += .*/, ")")
    .replace(/spv\w+/g, "<link>")
    .replace(/[0-9a-f]*\d[0-9a-f]*/g, "#");

test("the system calls that change something are the same, in the same order", async () => {
  const env = { CNI_CONTAINERID: "one" };
  const all = { container: undefined } as unknown as Partial<CniCall>;
  const collect = { ...all, conf: { ...conf, "cni.dev/valid-attachments": [] } };
  const lives: readonly (readonly [CniCall["command"], Partial<CniCall>])[] = [
    ["ADD", { env }],
    ["DEL", { env }],
    ["ADD", { env }],
    ["STATUS", all],
    ["GC", collect],
  ];
  for (const [command, more] of lives) {
    const deeds = await alike(sides, async (side) => {
      const own = await ownDeeds(side, command, more);
      return own.map((deed) => nameless({ ...deed, shown: side.neutral(deed.shown) }));
    });
    expect(deeds.length).toBeGreaterThan(1);
  }
  await nothingIsLeft();
});

/** What there is on a node, in any order, and but for numbers that are drawn by chance. */
async function leftOn({ node }: Side) {
  const { numbers, flowPorts, meterPorts, ports, taken, owners, ...rest } = await factsOf(node);
  return {
    ...rest,
    temporaries: sorted(rest.temporaries.map((file) => file.replace(/\d+/g, "#"))),
    counts: { numbers: numbers.length, flows: flowPorts.length, meters: meterPorts.length },
    ports: sorted(ports.map(({ link, ids: { port: _, ...ids } }) => ({ link, ids }))),
    taken: sorted(taken.map(({ ofport: _, ...one }) => one)),
    owners: sorted(owners.map(({ ofport: _, ...one }) => one)),
  };
}

/** A link's end and a switch's ports take their time. */
const areAlike = (look: (side: Side) => Promise<unknown>) =>
  alike(sides, look).then(
    () => true,
    () => false,
  );

const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();

/** Every so many: killed.test.ts goes through them all. */
const step = { killed: 3, failed: 2 } as const;

/** Counting finds these again in each run. Node opens one file more at one start in some. */
const isCounted = ({ call }: Deed) => call !== "openat";

test.each(["ADD", "DEL"] as const)(
  "%s, killed before a deed or with one that fails: what it says, and what is left, are the same",
  async (command) => {
    const begin = async () => {
      if (command === "DEL") expect(await ask("ADD")).toMatchObject({ status: 0 });
    };
    await begin();
    const [bun, node] = await Promise.all(
      sides.map(async (side) => (await ownDeeds(side, command)).filter(isCounted)),
    );
    expect(await ask("DEL")).toMatchObject({ status: 0 });
    const ways = [
      { step: step.killed, under: dyingBefore },
      { step: step.failed, under: (deed: Deed) => failingAt(deed, "ENOSPC") },
    ];
    const faults: string[] = [];
    for (const { step, under } of ways) {
      for (const [index, deed] of (bun ?? []).entries()) {
        const other = node?.[index];
        if (index % step !== 0 || other === undefined) continue;
        try {
          await begin();
          await alike(sides, async ({ of, cni }) =>
            said(await cni(command, { under: under(of === "bun" ? deed : other) })),
          );
          await until("what is left to be alike", () => areAlike(leftOn));
          expect(await ask("DEL")).toMatchObject({ status: 0 });
          await nothingIsLeft();
        } catch (fault) {
          await Promise.all(sides.map(({ cni }) => cni("DEL")));
          faults.push(`${under(deed).slice(-1)} ${deed.shown.slice(0, 200)}: ${fault}`);
        }
      }
    }
    expect(faults).toEqual([]);
  },
);
