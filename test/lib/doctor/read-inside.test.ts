/** Containers' network namespaces, among files that are none. */
import { expect, test } from "vitest";
import type { Host } from "../../../lib/attach/host.ts";
import { readInside } from "../../../lib/doctor/read-inside.ts";
import { Failure } from "../../../lib/errors.ts";
import type { Netns } from "../../../lib/sys/kernel.ts";
import { healthy, link } from "./healthy.ts";

test("what is no network namespace, or not one yet, keeps nobody from looking into the others", async () => {
  const opened: string[] = [];
  const closed: unknown[] = [];
  const openNetns = (path: string): Netns => {
    opened.push(path);
    if (path.endsWith("/b")) return 5 as unknown as Netns;
    throw new Failure("invalid-netns", `Cannot open network namespace ${path}: it is none`);
  };
  const outer = link("spvc1", { peerNetns: 7 });
  const host = {
    kernel: { openNetns, closeNetns: (one: unknown) => closed.push(one) },
    // Of another container than ours.
    links: () => ({ list: () => [outer], get: () => outer, numberOf: () => 8 }),
    clock: () => 0,
  } as unknown as Host;
  const world = {
    processes: { list: () => [], netnsOf: () => undefined },
    places: { names: () => ["a", "b", "c"] },
    pause: async () => {},
    clock: () => 0,
  } as unknown as Parameters<typeof readInside>[0];
  const inside = await readInside(world, host, healthy.node.survey);
  expect(inside).toEqual({ known: true, value: { looked: 0, of: 1, faulty: [] } });
  expect(opened).toEqual(["/run/netns/a", "/run/netns/b", "/run/netns/c"]);
  expect(closed).toEqual([5]);
});
