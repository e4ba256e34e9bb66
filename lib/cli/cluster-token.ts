/** `socketplane cluster token`: what machines join with. */
import { Failure } from "../errors.ts";
import { secondsOf } from "./cluster-words.ts";
import { command } from "./command.ts";
import { onNode } from "./on-node.ts";
import { show } from "./output.ts";
import type { CliWorld } from "./world.ts";

type Values = Parameters<typeof onNode>[1] & {
  readonly id: string | undefined;
  readonly valid: string | undefined;
};

const deeds: Readonly<Record<string, (world: CliWorld, args: Values) => Promise<void>>> = {
  create: async (world, args) => {
    const { openFiles } = await import("../cluster/files.ts");
    const { authorityHere } = await import("../cluster/trust.ts");
    const { createToken, tokenSeconds } = await import("../cluster/tokens.ts");
    const seconds = secondsOf(args.valid) ?? tokenSeconds;
    const { hash } = await authorityHere(openFiles(world, args.config), "make a token");
    await onNode(world, args, async (host, deadline) => {
      const wanted = { authority: hash, now: new Date(world.wallClock()), seconds };
      const token = await createToken(await host.ipam.registry(), wanted, deadline);
      const until = new Date(world.wallClock() + seconds * 1_000).toISOString();
      const shown = { token, until, join: `socketplane cluster join --token ${token}` };
      show(world.terminal, args.output, shown, ["until", "join"]);
    });
  },
  list: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const { listTokens } = await import("../cluster/tokens.ts");
      const tokens = await listTokens(await host.ipam.registry(), deadline);
      const shown = tokens.map(({ id, made, until }) => ({
        ...{ id, made: made.toISOString(), until: until.toISOString() },
      }));
      show(world.terminal, args.output, shown, ["id", "made", "until"]);
    }),
  delete: async (world, args) => {
    // All of one may be pasted; what is said of it is its first part alone.
    const [id = ""] = (args.id ?? "").split(".");
    if (id === "") {
      throw new Failure("usage", "Cannot understand the command line: the token's id is missing", {
        details: "See which there are: socketplane cluster token list",
      });
    }
    await onNode(world, args, async (host, deadline) => {
      const { deleteToken } = await import("../cluster/tokens.ts");
      const outcome = await deleteToken(await host.ipam.registry(), id, deadline);
      if (outcome === "absent") {
        throw new Failure("network-unknown", `Cannot delete token "${id}": there is none`, {
          details:
            "It was used, or its time is over. See which there are: socketplane cluster token list",
        });
      }
      show(world.terminal, args.output, { id, deleted: true }, ["id", "deleted"]);
    });
  },
};

export const clusterTokenCommand = command({
  name: "token",
  describe: "Make, list and delete what machines join with",
  about: [
    "Make, list and delete what machines join with. A token takes in one machine, within a day unless ",
    "--valid says otherwise; it is made where the cluster was made.",
  ].join(""),
  arguments: {
    action: { describe: "create, list or delete" },
    id: { describe: "Which to delete", optional: true },
  },
  options: {
    valid: {
      type: "text",
      value: "TIME",
      describe: "For how long, as 90m, 24h or 7d [default: 24h]",
    },
  },
  examples: [
    ["socketplane cluster token create", "For one more machine"],
    ["socketplane cluster token list", "Those that can be joined with"],
    ["socketplane cluster token delete abcdef", "One that was not used"],
  ],
  run: async (world, args) => {
    const deed = deeds[args.action];
    if (deed === undefined || (args.action !== "delete" && args.id !== undefined)) {
      const state =
        deed === undefined
          ? `"${args.action}" is none of create, list and delete`
          : `"${args.id}" is one argument too many`;
      throw new Failure("usage", `Cannot understand the command line: ${state}`, {
        details: "Try: socketplane cluster token --help",
      });
    }
    await deed(world, args);
  },
});
