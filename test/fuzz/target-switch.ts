/** What Open vSwitch replies, broken on its way. */
import { changesIn } from "../../lib/agent/switch-watch.ts";
import { type Monitoring, openDatabase } from "../../lib/ovs/database.ts";
import { formatFlow } from "../../lib/ovs/flow-text.ts";
import { openFlows, type Ports } from "../../lib/ovs/flows.ts";
import { jsonSplitter } from "../../lib/ovs/json-stream.ts";
import { readMessage } from "../../lib/ovs/ovsdb.ts";
import type { Database, Flows } from "../../lib/ovs/switch.ts";
import type { ByteStream } from "../../lib/stream.ts";
import { hex, recorded } from "../lib/ovs/recorded.ts";
import type { Random } from "../lib/random.ts";
import type { Target } from "./case.ts";
import { damaged, inReads } from "./mutate-bytes.ts";
import { mutated, textOf } from "./mutate-json.ts";
import ofDatabase from "./recordings/database.json" with { type: "json" };
import ofFlows from "./recordings/flows.json" with { type: "json" };
import { databaseTalks, flowTalks, type Talks } from "./talks.ts";

function talking<Client>(
  name: string,
  talks: Talks<Client>,
  recordings: Readonly<Record<string, string>>,
  open: (stream: ByteStream) => Client,
  breaking: (bytes: Uint8Array, random: Random) => Uint8Array,
): Target {
  return {
    name,
    make: (random) => {
      const [what, talk] = random.one(Object.entries(talks));
      const bytes = breaking(hex(recordings[what] ?? ""), random);
      const late = random.below(4) === 0 ? (["late"] as const) : [];
      const reads = [...inReads(bytes, random), ...late];
      return { input: { what, bytes }, act: () => void talk(open(recorded(reads))) };
    },
  };
}

/** Messages taken apart and put together again, one of them with another value in it. */
function brokenMessages(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.below(3) === 0) return damaged(bytes, random);
  const messages = jsonSplitter().push(bytes);
  const at = random.below(messages.length);
  const broken = messages.map((message, index) =>
    index === at ? mutated(message, random) : message,
  );
  return Buffer.from(broken.map(textOf).join("\n"));
}

const echo = '{"method":"echo","params":["<deep>"],"id":"echo"}';

/** The server asks too, whenever it likes. */
function withEcho(bytes: Uint8Array, random: Random): Uint8Array {
  const broken = brokenMessages(bytes, random);
  const asked = Buffer.from(textOf(mutated(JSON.parse(echo), random)));
  return random.below(4) === 0 ? Buffer.concat([asked, broken]) : broken;
}

const database: Target = talking<Database & Monitoring>(
  "database",
  databaseTalks,
  ofDatabase,
  openDatabase,
  withEcho,
);

const openflow: Target = talking<Flows & Ports>(
  "openflow",
  {
    ...flowTalks,
    "flows are read": (flows) =>
      flows.dump({ cookie: 0n, mask: 0n }, { left: () => 1000 }).map(formatFlow),
  },
  ofFlows,
  openFlows,
  damaged,
);

/** As the agent hears of changes. */
const updates: Target = {
  name: "database's updates",
  make: (random) => {
    const [reply] = jsonSplitter().push(hex(ofDatabase["rows are watched"]));
    const update = { method: "update", id: null, params: ["rows", reply?.result] };
    const bytes = brokenMessages(Buffer.from(JSON.stringify(update)), random);
    return {
      input: bytes,
      act: () => {
        for (const object of jsonSplitter().push(bytes)) {
          const message = readMessage(object);
          if (message.type === "update") changesIn(message.updates);
        }
      },
    };
  },
};

export const switchTargets: readonly Target[] = [database, updates, openflow];
