/** `socketplane network allow` and `deny`: which networks' containers reach each other. */
import { bringPolicies } from "../attach/policy.ts";
import { describe } from "../ipam/network.ts";
import { setPolicy } from "../ipam/policies.ts";
import { type Argument, type Command, command, type Example } from "./command.ts";
import { onNode } from "./on-node.ts";
import { show } from "./output.ts";

const both = {
  one: { describe: "A network's name", completes: "network" },
  other: { describe: "Another's", completes: "network" },
} as const satisfies Record<string, Argument>;

const policyCommand = (about: {
  readonly name: "allow" | "deny";
  readonly describe: string;
  readonly about: string;
  readonly examples: readonly Example[];
}): Command =>
  command({
    ...about,
    arguments: both,
    run: (world, args) =>
      onNode(world, args, async (host, deadline) => {
        const registry = await host.ipam.registry();
        const names = [args.one, args.other] as const;
        const pair = await setPolicy(registry, about.name, names, deadline);
        await bringPolicies(host, names, deadline);
        const shown = [pair.one, pair.other].map(describe);
        show(world.terminal, args.output, shown, ["id", "subnet", "allowed"]);
      }),
  });

export const allowCommand = policyCommand({
  name: "allow",
  describe: "Let the containers of two networks reach each other",
  about: `Let the containers of two networks reach each other. Networks are apart until this is said, and then two are open to each other in both directions, whatever the protocol, each container under its own address. The addresses that nodes have in a network, the gateway's among them, stay that network's alone.
A node with an agent follows at once, one without with its next ADD. What a network reaches is shown by network list and network show.`,
  examples: [["socketplane network allow web db", "The same as network allow db web"]],
});

export const denyCommand = policyCommand({
  name: "deny",
  describe: "Keep the containers of two networks apart again",
  about: `Keep the containers of two networks apart again. Connections that are open between them are cut as well. Deleting one of the two networks does the same.`,
  examples: [["socketplane network deny web db", "Take back network allow web db"]],
});
