/** What the userspace switch knows of the way to silent nodes. */
import { expect, test } from "vitest";
import { knownToSwitch } from "../../../lib/attach/neighbours.ts";
import type { PeerFacts, TunnelFacts } from "../../../lib/doctor/probe-facts.ts";
import { addressesIn, askAndResolve } from "../../../lib/doctor/probe-neighbours.ts";
import { parsePrefix4 } from "../../../lib/net/prefix.ts";
import type { Route } from "../../../lib/sys/kernel.ts";
import { must } from "./healthy.ts";
import { ip4, planOf } from "./wire.ts";

const onLink = (to: string): Route => ({ family: 4, index: 2, to: must(parsePrefix4(to)) });
const routes: readonly Route[] = [
  onLink("192.0.2.0/24"),
  { family: 4, index: 2, via: ip4("192.0.2.254") },
];

/** As Open vSwitch 3.1 shows it. */
const shown = `
IP                                            MAC                 Bridge
==========================================================================
10.2.0.2                                      02:42:0a:02:00:02   sp0
192.0.2.2                                     f2:ce:89:49:5d:45   br-phy
192.0.2.254                                   f2:ce:89:49:5d:46   br-phy
2001:db8:2::2                                 f2:ce:89:49:5d:45   br-phy
`;

const silent = (vtep: string): PeerFacts => ({
  node: vtep,
  vtep,
  from: "192.0.2.1",
  agent: true,
  underlay: "answered",
  underlayFull: undefined,
  told: undefined,
  port: "silent",
  tunnel: { small: "unanswered" } as TunnelFacts,
});

const forever = { left: () => Number.MAX_SAFE_INTEGER };
const showing = (text: string) => ({ call: () => text, close: () => {} });

/** What is said where the switch shows the one before, and the other after. */
async function asked(vtep: string, texts: readonly [string, string], answers = silent) {
  const rounds: string[][] = [];
  const left = [...texts];
  const plan = planOf(1);
  const peers = await askAndResolve(
    async (some) => {
      rounds.push(some.peers.map(({ node }) => node));
      return some.peers.map(() => answers(vtep));
    },
    () => ({ known: addressesIn(knownToSwitch(showing(left.shift() ?? ""), forever)), routes }),
    plan,
  );
  return { known: peers[0]?.isResolved, rounds: rounds.length, left: left.length };
}

test.each([
  ["192.0.2.2", true],
  ["192.0.2.25", false],
  ["192.0.2.3", false],
  // By its router.
  ["198.51.100.7", true],
  // No way leads there.
  ["2001:db8:2::2", undefined],
])("%s is known: %s", async (vtep, known) => {
  expect(await asked(vtep, [shown, shown])).toEqual({ known, rounds: 1, left: 0 });
});

const [, head = "", line = ""] = shown.split("\n");
const empty = `${head}\n${line}\n`;

test.each(["192.0.2.2", "198.51.100.7"])(
  "a switch that knows nobody says so of %s",
  async (vtep) => {
    expect(await asked(vtep, [empty, empty])).toEqual({ known: false, rounds: 1, left: 0 });
    // Lost in between.
    expect(await asked(vtep, [shown, empty])).toEqual({ known: false, rounds: 1, left: 0 });
  },
);

test("one that it has got to know meanwhile is asked again, and that counts", async () => {
  expect(await asked("192.0.2.2", [empty, shown])).toEqual({
    known: undefined,
    rounds: 2,
    left: 0,
  });
});

test("of one that answers it is not asked", async () => {
  const answers = (vtep: string): PeerFacts => ({
    ...silent(vtep),
    tunnel: { small: "answered" } as TunnelFacts,
  });
  expect(await asked("192.0.2.3", [empty, shown], answers)).toEqual({
    known: undefined,
    rounds: 1,
    left: 1,
  });
});

test("where the switch does not say, what was seen is all", async () => {
  const peers = [silent("192.0.2.3")];
  expect(
    await askAndResolve(
      async () => peers,
      () => undefined,
      planOf(1),
    ),
  ).toBe(peers);
});
