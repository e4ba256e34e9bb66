/** What is not known, with its reason and what to do: pure. See topology.ts for the folder's note. */
import type { Survey, Unknown } from "../survey/survey.ts";
import type { Holder } from "./holders.ts";
import type { Missing } from "./topology.ts";

/** How many nodes are named in one line. */
const named = 5;

export function missingOf(survey: Survey, holders: readonly Holder[]): readonly Missing[] {
  const { self, cluster, here, config } = survey;
  const isAlone = config.store.type === "file";
  const what = isAlone
    ? "which networks there are, and what is leased"
    : "other nodes' names, agents and containers, and networks that this node is not in";
  return [
    ...(cluster.known ? [] : [missing(what, cluster)]),
    ...(self.name.known ? [] : [missing("this node's name", self.name)]),
    ...(self.vtep.known ? [] : [missing("this node's VTEP", self.vtep)]),
    ...(here.known ? [] : [missing("which containers of this node live", here)]),
    ...(survey.switch.known ? [] : [missing("containers' ports and traffic", survey.switch)]),
    ...(survey.flows.known
      ? []
      : [
          missing(
            `${isAlone ? "" : "the tunnels' traffic, and "}what containers send now`,
            survey.flows,
          ),
        ]),
    ...(cluster.known ? unreadable(cluster.value.unreadable) : []),
    ...unwritten(holders, cluster.known),
  ];
}

const missing = (what: string, { why, todo }: Unknown): Missing => ({
  what,
  why,
  ...(todo !== undefined && { todo }),
});

const unreadable = (keys: readonly string[]): readonly Missing[] =>
  keys.length === 0
    ? []
    : [
        {
          what: `what ${keys.length === 1 ? "a record" : `${keys.length} records`} of the store ${keys.length === 1 ? "says" : "say"}`,
          why: `Cannot read ${listed(keys)}: written by another version, or by hand`,
        },
      ];

/** Only an agent writes down for others which containers its node has. */
function unwritten(holders: readonly Holder[], known: boolean): readonly Missing[] {
  const away = holders.filter(({ isSelf, agent }) => !isSelf && agent === "away");
  if (!known || away.length === 0) return [];
  return [
    {
      what: `what containers ${listed(away.map(({ name }) => name))} ${away.length === 1 ? "has" : "have"} now`,
      why: "its agent writes them down, and it does not run: what is shown is of before",
      todo: "Start it, on that machine: socketplane agent start",
    },
  ];
}

/** "a, b and 7 more" */
function listed(texts: readonly string[]): string {
  const more = texts.length - named;
  return more > 0 ? `${texts.slice(0, named).join(", ")} and ${more} more` : texts.join(", ");
}
