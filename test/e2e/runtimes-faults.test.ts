/** The executables with either runtime in them where something fails: what they do and say is one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deed, deedsOf, dyingBefore, failingAt, parseDeeds, runLogged } from "../lab/deeds.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall } from "../lab/node.ts";
import { until } from "../lab/until.ts";
import { alike, openSides, type Runtime, type Side, type Sides, said } from "./both.ts";

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

const ownOf = ({ deeds }: { readonly deeds: readonly Deed[] }) =>
  deeds.filter((deed) => !isNodes(deed));

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
      const own = ownOf(await deedsOf(side.node, side.call(command, more)));
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

/** A deed, and how many of the command's own of its name are before it. */
interface Aim {
  readonly deed: Deed;
  readonly before: number;
}

const aimsOf = (deeds: readonly Deed[]): readonly Aim[] =>
  deeds.map((deed, index) => {
    const before = deeds.slice(0, index).filter(({ call }) => call === deed.call);
    return { deed, before: before.length };
  });

/** Whether the command was struck at that deed, by strace's log. */
function isStruck(log: string, { deed, before }: Aim): boolean {
  const lines = log.split("\n");
  const at = lines.findIndex((line) => /\(INJECTED\)$| = \?$/.test(line));
  const shown = lines[at];
  if (shown === undefined) return false;
  const done = ownOf({ deeds: parseDeeds(lines.slice(0, at).join("\n")) });
  return done.length === before && nameless({ ...deed, shown }) === nameless(deed);
}

/**
 * Deeds are found again by counting the system calls of their name, of which Node makes some more or
 * less by itself: *measured*, in one run of fifteen V8 looks how many CPUs there are.
 */
const shifts = [0, 0, 1, -1, 0, 2, -2, 0, 1, -1, 0, 3, -3, 0, 1, -1];

/** Every so many: killed.test.ts goes through them all. */
const step = { killed: 3, failed: 2 } as const;

test.each(["ADD", "DEL"] as const)(
  "%s, killed before a deed or with one that fails: what it says, and what is left, are the same",
  async (command) => {
    // The same address each time: a run that is done again may have taken one on one side alone.
    const more = { args: "IP=10.2.0.77" };
    const begin = async () => {
      if (command === "DEL") expect(await ask("ADD", more)).toMatchObject({ status: 0 });
    };
    const struck = async (aims: Readonly<Record<Runtime, Aim>>, under: typeof failingAt) => {
      for (const shift of shifts) {
        await begin();
        const runs = await Promise.all(
          sides.map(async ({ of, node, call }) => {
            const { deed } = aims[of];
            const nth = Math.max(1, deed.nth + (of === "node" ? shift : 0));
            const run = await runLogged(node, call(command, more), (log) =>
              under({ ...deed, nth }, log),
            );
            return { outcome: run.outcome, isStruck: isStruck(run.log, aims[of]) };
          }),
        );
        if (runs.every(({ isStruck }) => isStruck)) return runs.map(({ outcome }) => said(outcome));
        await Promise.all(sides.map(({ cni }) => cni("DEL")));
      }
      throw new Error("Cannot strike it there");
    };
    // What the first ADD of a node makes, no other does.
    expect(await ask("ADD", more)).toMatchObject({ status: 0 });
    expect(await ask("DEL")).toMatchObject({ status: 0 });
    await begin();
    const [bun = [], node = []] = await Promise.all(
      sides.map(async (side) => aimsOf(ownOf(await deedsOf(side.node, side.call(command, more))))),
    );
    expect(node.length).toBe(bun.length);
    expect(await ask("DEL")).toMatchObject({ status: 0 });
    const ways = [
      { step: step.killed, under: dyingBefore },
      { step: step.failed, under: failingAt },
    ];
    const faults: string[] = [];
    for (const { step, under } of ways) {
      for (const [index, aim] of bun.entries()) {
        if (index % step !== 0) continue;
        try {
          const both = await struck({ bun: aim, node: node[index] as Aim }, under);
          const [one, other] = sides.map(({ neutral }, at) => neutral(both[at]));
          expect(other).toEqual(one);
          await until("what is left to be alike", () => areAlike(leftOn));
          expect(await ask("DEL")).toMatchObject({ status: 0 });
          await nothingIsLeft();
        } catch (fault) {
          await Promise.all(sides.map(({ cni }) => cni("DEL")));
          const { deed } = aim;
          faults.push(`${under(deed).slice(-1)} ${deed.shown.slice(0, 200)}: ${fault}`);
        }
      }
    }
    expect(faults).toEqual([]);
  },
);
