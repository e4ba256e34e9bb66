/**
 * The driver of nft.ts, over netlink: no `nft` is needed on the host.
 *
 * Reads, decides, commits: a batch is made for the generation of the ruleset that was read, and
 * the kernel refuses it when anybody changed anything since; so any number of processes may do
 * this at once.
 */
import { Failure } from "../errors.ts";
import type { Ffi } from "./ffi.ts";
import { type Message, text } from "./netlink.ts";
import type { Filter, ForeignChainNames, ForeignPortDrop } from "./nft.ts";
import { nfta } from "./nft-attributes.ts";
import { askElements, type Edge, edgesIn, mapSets, type Span, spansOf } from "./nft-elements.ts";
import { askBaseChains, endsInDrop, foreignChains } from "./nft-foreign.ts";
import { family, messageOf, numberOf } from "./nft-message.ts";
import {
  type FilterState,
  planAdd,
  planRemove,
  planRemoveAll,
  thereNetwork,
  wholeTables,
} from "./nft-plan.ts";
import { type SetName, tables } from "./nft-ruleset.ts";
import { type NftSocket, openNftSocket } from "./nft-socket.ts";
import { dropsPort, ownTrafficChains } from "./nft-tunnel.ts";
import { tableName } from "./nft-version.ts";
import { legacyForwardDrop } from "./xtables.ts";

/** Far more than other writers can cross: each time, one of them got something done. */
const maxRounds = 200;

/** Opens the filter of the network namespace that the process is in. */
export function openFilter(ffi: Ffi): Filter {
  const socket = openNftSocket(ffi);
  const change = (plan: (state: FilterState) => readonly Message[]): void => {
    for (let round = 0; round < maxRounds; round += 1) {
      const { state, generation } = read(socket);
      const changes = plan(state);
      const unchanged = changes.length === 0 && generationOf(socket) === generation;
      if (unchanged || (changes.length > 0 && socket.commit(changes, generation) === "done"))
        return;
    }
    throw new Failure(
      "try-again",
      `Cannot change the nftables ruleset: others changed it first ${maxRounds} times`,
    );
  };
  return {
    has: (network) => {
      const questions = [...wholeTables(), ...thereNetwork(network)];
      const answers = socket.ask(questions.map(({ ask }) => ask));
      return questions.every(({ right }, index) => right(answers[index]));
    },
    add: (network) => change((state) => planAdd(state, network)),
    remove: (network) => change((state) => planRemove(state, network)),
    removeAll: () => change(planRemoveAll),
    foreignDrop: () => foreignDrop(socket) ?? legacyForwardDrop(ffi),
    foreignChains: () => foreignChainNames(socket),
    foreignPortDrop: (port, family) => foreignPortDrop(socket, port, family),
    close: socket.close,
  };
}

function foreignDrop(socket: NftSocket): string | undefined {
  const chains = foreignChains(socket.askAll(askBaseChains));
  return chains.find(
    ({ policy, askRules }) => policy === "drop" || endsInDrop(socket.askAll(askRules)),
  )?.name;
}

function foreignChainNames(socket: NftSocket): ForeignChainNames {
  const chains = socket.askAll(askBaseChains);
  const own = ownTrafficChains(chains);
  const at = (wanted: "input" | "output") =>
    own.filter(({ hook }) => hook === wanted).map(({ name }) => name);
  const forward = foreignChains(chains).map(({ name }) => name);
  return { forward, input: at("input"), output: at("output") };
}

/** One that names the port tells more than one that drops all. */
function foreignPortDrop(
  socket: NftSocket,
  port: number,
  family: 4 | 6,
): ForeignPortDrop | undefined {
  const found = ownTrafficChains(socket.askAll(askBaseChains), family).flatMap((chain) => {
    const how = dropsPort(chain, socket.askAll(chain.askRules), port);
    return how === undefined ? [] : [{ chain: chain.name, how }];
  });
  return found.find(({ how }) => how === "named") ?? found[0];
}

function read(socket: NftSocket): { state: FilterState; generation: number } {
  // The generation first: what changes after that is noticed by the commit.
  const generation = generationOf(socket);
  const questions = wholeTables();
  const asked = [
    ...tables.map((table) => askTable(table.family)),
    ...questions.map(({ ask }) => ask),
  ];
  const answers = socket.ask(asked);
  const families = tables
    .map((table) => table.family)
    .filter((_, index) => answers[index] !== undefined);
  const rest = answers.slice(tables.length);
  const elements = mapSets((name) => readSpans(socket, name));
  const whole = questions.every(({ right }, index) => right(rest[index]));
  return { generation, state: { families, whole, elements } };
}

const askTable = (family: number): Message =>
  messageOf("getTable", family, [text(nfta.table.name, tableName)]);

function generationOf(socket: NftSocket): number {
  const [answer] = socket.ask([messageOf("getGeneration", family.any, [])]);
  const generation = numberOf(answer?.get(nfta.generation.id));
  if (generation === undefined) throw new Error("nftables did not say its generation");
  return generation;
}

/** Another version's set, with keys that are none of ours, counts as empty. */
function readSpans(socket: NftSocket, name: SetName): readonly Span[] {
  const edges: Edge[] = [];
  for (const { attributes } of socket.askAll(askElements(name))) {
    edges.push(...(edgesIn(name, attributes) ?? []));
  }
  return spansOf(name, edges);
}
