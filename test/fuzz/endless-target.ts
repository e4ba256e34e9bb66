/** A target whose cases never end. */
import type { Target } from "./case.ts";

export const targets: readonly Target[] = [
  {
    name: "endless",
    make: () => ({
      input: 1,
      act: () => {
        for (;;);
      },
    }),
  },
];
