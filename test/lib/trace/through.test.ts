import { describe, expect, test } from "vitest";
import type { Host } from "../../../lib/attach/host.ts";
import { Failure } from "../../../lib/errors.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import type { Control } from "../../../lib/ovs/control.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Entry as StoreEntry } from "../../../lib/store/store.ts";
import { clusterOf } from "../../../lib/survey/cluster.ts";
import type { Survey } from "../../../lib/survey/survey.ts";
import { factsOf } from "../../../lib/trace/facts.ts";
import { openThrough } from "../../../lib/trace/through.ts";
import type { Entry } from "../../../lib/trace/way.ts";
import { ip, packet, vtep } from "./sample-facts.ts";

const keys = keysUnder("/sp");
const entry = (key: string, revision: number, value: unknown) =>
  ({
    key: `/sp/${key}`,
    value: JSON.stringify(value),
    createRevision: revision,
    modRevision: revision,
  }) as StoreEntry;
const cluster = clusterOf(keys, {
  networks: [
    entry("networks/web", 1, {
      ...{ id: "web", subnet: "10.2.0.0/16", gateway: "10.2.0.1", vni: 1, blockLength: 26 },
      ...{ ipRange: "10.2.0.1-10.2.255.254", masquerade: true },
    }),
  ],
  nodes: [
    entry("nodes/host-a", 5, { machineId: "a", vtep: "192.0.2.1" }),
    entry("nodes/host-b", 6, { machineId: "b", vtep: "192.0.2.2" }),
  ],
  leases: [
    entry("leases/web/0a026940-26", 11, { node: "host-a" }),
    entry("leases/web/0a020000-26", 12, { node: "host-b" }),
  ],
  // Nobody's agent runs.
  sessions: [],
  allAssignments: [],
});
const assignment = {
  ...{ network: "web", address: ip("10.2.105.65"), id: { containerId: "one", ifname: "eth0" } },
  ...{
    ofport: 2202,
    mac: macOfIp4(ip("10.2.105.65")),
    isHeld: true,
    isOwn: false,
    state: "alive",
    link: "spv1",
    workload: {},
  },
};
const known = <T>(value: T) => ({ known: true, value }) as const;
const survey = {
  self: { name: known("host-a"), vtep: known(vtep(1)) },
  cluster: known({ revision: 30, ...cluster }),
  here: known({ networks: [], assignments: [assignment] }),
  switch: { known: false, why: "" },
} as unknown as Survey;
const config = { ovs: { runDir: "/run/openvswitch", bridge: "sp0" } };

/** What the nodes do with it; `opened` counts how often the switch here was asked. */
function through(openControl: () => Control) {
  let opened = 0;
  const control = () => {
    opened += 1;
    return openControl();
  };
  const ask = openThrough({
    survey,
    facts: factsOf(survey),
    host: { config, clock: () => 0, control } as unknown as Host,
    pause: async () => {},
    newToken: () => "t",
  });
  return { ask, opened: () => opened };
}
const from = (address: string): Entry => ({
  ...{ by: "container", name: "one", address: ip(address), port: undefined },
});
const sent = packet("10.2.105.65", "10.2.0.9");
const nobody = () => {
  throw new Failure("try-again", "Cannot reach ovs-vswitchd: connection refused");
};

describe("a node that can't be asked", () => {
  test("is waited for once, where nobody answers", async () => {
    const { ask, opened } = through(nobody);
    const parts = [];
    for (let time = 0; time < 2; time += 1) {
      parts.push(await ask("host-a", from("10.2.105.65"), sent));
    }
    expect(parts.map(({ because }) => because)).toEqual(
      Array(2).fill(expect.stringContaining("connection refused")),
    );
    expect(opened()).toBe(1);
  });

  test("is asked of the next packet, where it has no port for this one", async () => {
    const { ask, opened } = through(nobody);
    const { because } = await ask("host-a", from("10.2.105.99"), sent);
    expect(because).toBe("it has no port that such a packet comes in by");
    expect(opened()).toBe(0);
    await ask("host-a", from("10.2.105.65"), sent);
    expect(opened()).toBe(1);
  });

  test("is asked of the next packet, where its switch refused this one", async () => {
    const { ask, opened } = through(() => ({
      call: () => {
        throw new Failure("switch-refused", "Cannot run it: no such port");
      },
      close: () => {},
    }));
    await ask("host-a", from("10.2.105.65"), sent);
    await ask("host-a", from("10.2.105.65"), sent);
    expect(opened()).toBe(2);
  });

  test("may have a container that its agent has written nothing of", async () => {
    const { end, steps } = await through(nobody).ask(
      "host-b",
      { by: "tunnel", vtep: vtep(1) },
      sent,
    );
    expect(steps.at(-1)?.at).toBe("40 local");
    expect(end).toEqual({
      end: "unknown",
      why: expect.stringMatching(
        /^which containers host-b has is not on record for sure: the agent of host-b does not run/,
      ),
    });
  });

  test("takes nothing of one that holds no lease of the sender, whatever it has", async () => {
    const spoofed = packet("10.2.0.7", "10.2.0.9");
    const { end } = await through(nobody).ask("host-b", { by: "tunnel", vtep: vtep(1) }, spoofed);
    expect(end).toMatchObject({ end: "dropped" });
  });
});

test("a pod's name moves no cursor", () => {
  const workload = { K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: "web\u001b[2J\nDelivered" };
  const here = known({ networks: [], assignments: [{ ...assignment, workload }] });
  const { holders } = factsOf({ ...survey, here } as unknown as Survey);
  expect(holders.map(({ name }) => name)).toEqual(["shop/web?[2J?Delivered"]);
});
