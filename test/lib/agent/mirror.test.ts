import { expect, test } from "vitest";
import { mirrorWrites } from "../../../lib/agent/mirror.ts";
import { seeded } from "../../lib/random.ts";

test("whatever is there, what is written leaves what is wanted", () => {
  const random = seeded(7);
  const some = () =>
    new Map(
      Array.from({ length: random.below(6) }, () => [`k${random.below(6)}`, `${random.below(3)}`]),
    );
  for (let round = 0; round < 200; round += 1) {
    const [found, wanted] = [some(), some()];
    const writes = mirrorWrites(found, wanted);
    const keys = writes.map((write) => ("put" in write ? write.put : write.remove));
    expect(new Set(keys).size).toBe(keys.length);
    for (const write of writes) {
      if ("put" in write) {
        expect(found.get(write.put)).not.toBe(write.value);
        found.set(write.put, write.value);
      } else {
        expect(found.delete(write.remove)).toBe(true);
      }
    }
    expect([...found].sort()).toEqual([...wanted].sort());
  }
});
