/** What the commands of `socketplane cluster` have in common. See cluster.ts. */
import type { ClusterWorld, Say } from "../cluster/world.ts";
import type { CliWorld } from "./world.ts";

export const clusterWorld = async (world: CliWorld): Promise<ClusterWorld> => ({
  ...world,
  ...(await world.clusterDrivers()),
});

/** What is done is told to who waits for it. */
export const telling =
  ({ terminal }: CliWorld): Say =>
  (line) =>
    terminal.progress(line);

export const interfaceOption = {
  type: "text",
  value: "NAME",
  describe: "The interface that VXLAN goes by [default: found by itself]",
  completes: "interface",
} as const;

export const nameOption = {
  type: "text",
  value: "NODE",
  describe: "This machine's name in the cluster [default: its hostname]",
} as const;

export const forceOption = {
  type: "flag",
  describe: "Also where VXLAN can't leave this machine yet",
} as const;

/** Those that have something to say. */
export const columnsOf = (shown: object, columns: readonly string[]): readonly string[] =>
  columns.filter((column) =>
    Object.entries(shown).some(([key, value]) => key === column && value !== undefined),
  );
