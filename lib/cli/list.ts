/** Shows a list once, or each time that it changes. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import type { Keys } from "../store/keys.ts";
import type { Common, Option } from "./command.ts";
import { onNode } from "./on-node.ts";
import { type Shown, show } from "./output.ts";
import type { CliWorld } from "./world.ts";

export const watchOption = {
  watch: {
    type: "flag",
    alias: "w",
    describe:
      "Go on, and show what changes, until Ctrl-C: a table anew, JSON a line for each change",
  },
} as const satisfies Record<string, Option>;

/** What a list is made from. */
export interface Listing {
  readonly read: (host: Host, deadline: Deadline) => Promise<Listed>;
  /** The fields that tell one record from another. */
  readonly names: readonly string[];
  /** What the keys begin with that it is read from. */
  readonly watches: (keys: Keys) => readonly string[];
}

export interface Listed {
  readonly records: readonly Shown[];
  /** A table's. */
  readonly columns: readonly string[];
}

export async function list(
  world: CliWorld,
  args: Common & { readonly watch: boolean },
  listing: Listing,
): Promise<void> {
  if (args.watch) {
    const { watch } = await import("./watch.ts");
    return watch(world, args, listing);
  }
  return onNode(world, args, async (host, deadline) => {
    const { records, columns } = await listing.read(host, deadline);
    show(world.terminal, args.output, records, columns);
  });
}
