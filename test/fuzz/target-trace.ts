/** What trace, topology and doctor read of others: records, questions, answers, as anybody may have written them. */
import { podOf } from "../../lib/ipam/mirrored.ts";
import { type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../lib/net/ip6.ts";
import { type Mac, parseMac } from "../../lib/net/mac.ts";
import { keysUnder } from "../../lib/store/keys.ts";
import type { Revision } from "../../lib/store/store.ts";
import { clusterOf } from "../../lib/survey/cluster.ts";
import { formatAnswer, parseAnswer } from "../../lib/trace/answer.ts";
import { packetText } from "../../lib/trace/packet-text.ts";
import { formatQuestion, parseQuestion, type Question } from "../../lib/trace/question.ts";
import { parseTrace } from "../../lib/trace/switch-trace.ts";
import type { Target } from "./case.ts";
import { damagedText } from "./mutate-bytes.ts";
import { mutated, textOf } from "./mutate-json.ts";

const ip = (text: string) => ({ family: 4, address: parseIp4(text) as Ip4 }) as const;
const ip6 = (text: string) => ({ family: 6, address: parseIp6(text) as Ip6 }) as const;
const packet: Question["packet"] = {
  network: "web",
  vni: 100,
  ethSrc: parseMac("02:42:0a:02:00:0a") as Mac,
  ethDst: parseMac("02:42:0a:02:00:46") as Mac,
  from: ip("10.2.0.10"),
  to: ip("10.2.0.70"),
  content: { kind: "tcp", port: 80, answer: false },
};
const good: readonly Question[] = [
  {
    entry: { by: "container", name: "shop/web-0", address: ip("10.2.0.10").address, port: 30 },
    packet,
  },
  { entry: { by: "tunnel", vtep: ip("192.0.2.1") }, packet },
  {
    entry: { by: "host" },
    packet: { ...packet, from: ip6("fd00:2::1"), to: ip6("::1"), content: { kind: "neighbour" } },
  },
];

const questions: Target = {
  name: "questions of other nodes",
  make: (random) => {
    const whole = formatQuestion(random.one(good));
    const isText = random.below(3) === 0;
    const text = isText ? damagedText(whole, random) : textOf(mutated(JSON.parse(whole), random));
    return {
      input: text,
      act: () => {
        const { entry, packet } = parseQuestion(text);
        // What the switch gets is fields and their values, whatever was asked.
        const asked = packetText(entry, packet, 1);
        const field = /^(arp|icmp|icmp6|tcp|tcp6|udp|udp6|[a-z0-9_]+=[0-9a-f.:x]+)$/;
        if (asked.split(",").every((one) => field.test(one))) return "taken";
        throw new Error(`The switch would be asked: ${asked}`);
      },
    };
  },
};

const trace = ` 0. arp,in_port=30,vlan_tci=0x0000/0x1fff, priority 100, cookie 0x535003000000001e
    set_field:0x64->reg0
    goto_table:20
20. priority 0, cookie 0x5350000000000000
    drop

Final flow: unchanged
Datapath actions: drop
`;

const answers: Target = {
  name: "answers of other nodes",
  make: (random) => {
    const said = random.below(4) === 0 ? { refused: "it is away" } : { text: trace };
    const whole = formatAnswer(said);
    const isText = random.below(2) === 0;
    const text = isText ? damagedText(whole, random) : textOf(mutated(JSON.parse(whole), random));
    return {
      input: text,
      act: () => {
        const answer = parseAnswer(text);
        const lines = "refused" in answer ? [answer.refused] : answer.text.split("\n");
        if (lines.some((line) => /\p{C}/u.test(line)))
          throw new Error("a terminal would be commanded");
        if ("refused" in answer) return "refused";
        parseTrace(answer.text);
        return "taken";
      },
    };
  },
};

const keys = keysUnder("/socketplane/v1");
const assignment = {
  name: "web",
  containerId: "c-1",
  ifname: "eth0",
  mac: "02:42:0a:02:00:0a",
  workload: { K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: "web-0" },
  node: "host-a",
};

/** One that can't be read hides none of the others. */
const assignments: Target = {
  name: "assignments in the store",
  make: (random) => {
    const entry = (host: number, value: string) => ({
      key: keys.assignment("web", (0x0a020000 + host) as Ip4),
      value,
      createRevision: 1 as Revision,
      modRevision: 1 as Revision,
    });
    const broken = textOf(mutated(assignment, random));
    const allAssignments = [entry(2, broken), entry(3, JSON.stringify(assignment))];
    const nothing = { networks: [], nodes: [], leases: [], sessions: [] };
    return {
      input: broken,
      act: () => {
        const { assignments, unreadable } = clusterOf(keys, { ...nothing, allAssignments });
        for (const { id, mac, node, workload } of assignments) {
          const texts = [...Object.values(id), mac, node, podOf(workload) ?? ""];
          if (texts.some((text) => typeof text !== "string")) throw new Error("not all are texts");
        }
        if (assignments.length + unreadable.length !== 2) throw new Error("one is lost");
        return assignments.length === 2 ? "taken" : "refused";
      },
    };
  },
};

export const traceTargets: readonly Target[] = [questions, answers, assignments];
