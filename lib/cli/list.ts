/** Shows a list once, or each time that it changes. See main.ts for the folder's note. */
import type { Common, Option } from "./command.ts";
import type { Listing } from "./listing.ts";
import { onNode } from "./on-node.ts";
import { show } from "./output.ts";
import type { CliWorld } from "./world.ts";

export const watchOption = {
  watch: {
    type: "flag",
    alias: "w",
    describe:
      "Go on, and show what changes, until Ctrl-C: a table anew, JSON a line for each change",
  },
} as const satisfies Record<string, Option>;

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
