/** `socketplane cluster token`: what machines join with. */
import { Failure } from "../errors.ts";
import { secondsOf } from "./cluster-words.ts";
import { command, type Group } from "./command.ts";
import { onNode } from "./on-node.ts";
import { show } from "./output.ts";

const createCommand = command({
  name: "create",
  describe: "Make a token for one more machine",
  about:
    "Make a token for one more machine, on any node of the cluster. It is printed with what is to be typed there.",
  options: {
    valid: {
      type: "text",
      value: "TIME",
      describe: "For how long, as 90m, 24h or 7d [default: 24h]",
    },
  },
  examples: [
    ["socketplane cluster token create", "For the next day"],
    ["socketplane cluster token create --valid 1h", "For the next hour"],
  ],
  run: async (world, args) => {
    const { openFiles } = await import("../cluster/files.ts");
    const { authorityHash } = await import("../cluster/trust.ts");
    const { createToken, tokenSeconds } = await import("../cluster/tokens.ts");
    const seconds = secondsOf(args.valid) ?? tokenSeconds;
    const authority = await authorityHash(openFiles(world, args.config), "make a token");
    await onNode(world, args, async (host, deadline) => {
      const wanted = { authority, now: new Date(world.wallClock()), seconds };
      const token = await createToken(await host.ipam.registry(), wanted, deadline);
      const until = new Date(world.wallClock() + seconds * 1_000).toISOString();
      const shown = { token, until, join: `socketplane cluster join --token ${token}` };
      show(world.terminal, args.output, shown, ["until", "join"]);
    });
  },
});

const listCommand = command({
  name: "list",
  aliases: ["ls"],
  describe: "List the tokens that can be joined with",
  examples: [["socketplane cluster token list", "Their ids, and until when"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const { listTokens } = await import("../cluster/tokens.ts");
      const tokens = await listTokens(await host.ipam.registry(), deadline);
      const shown = tokens.map(({ id, made, until }) => ({
        ...{ id, made: made.toISOString(), until: until.toISOString() },
      }));
      show(world.terminal, args.output, shown, ["id", "made", "until"]);
    }),
});

const deleteCommand = command({
  name: "delete",
  aliases: ["rm"],
  describe: "Delete a token that was not used",
  arguments: { id: { describe: "Its id: what is before the first dot" } },
  examples: [["socketplane cluster token delete abcdef", "It takes in nobody any more"]],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      // All of one may be pasted; what is said of it is its first part alone.
      const [id = ""] = args.id.split(".");
      const { deleteToken } = await import("../cluster/tokens.ts");
      const outcome = await deleteToken(await host.ipam.registry(), id, deadline);
      if (outcome === "absent") {
        throw new Failure("network-unknown", `Cannot delete token "${id}": there is none`, {
          details:
            "It was used, or its time is over. See which there are: socketplane cluster token list",
        });
      }
      show(world.terminal, args.output, { id, deleted: true }, ["id", "deleted"]);
    }),
});

export const clusterTokenGroup: Group = {
  name: "token",
  describe: "Make, list and delete what machines join with",
  about:
    "Make, list and delete what machines join with. A token takes in one machine, within a day unless it was made for another time.",
  commands: [createCommand, listCommand, deleteCommand],
  examples: [
    ["socketplane cluster token create", "For one more machine"],
    ["socketplane cluster token list", "Those that can be joined with"],
  ],
};
