/** Questions of one node to another, by a real store. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AnsweringDeps, keepAnswering } from "../../../lib/agent/answers.ts";
import { deadlineIn } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Store } from "../../../lib/store/store.ts";
import { askNode } from "../../../lib/trace/across.ts";
import type { Answer } from "../../../lib/trace/answer.ts";
import { formatQuestion, type Question } from "../../../lib/trace/question.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { until } from "../../lab/until.ts";
import { openEtcd, prefix } from "../store/etcd-lab.ts";
import { makeTestFolder, openAt, silent } from "../store/lab.ts";
import { ip, mac } from "../trace/pipeline.ts";

const clock = () => performance.now();
const soon = (ms = 30_000) => deadlineIn(clock, ms);
const keys = keysUnder(prefix);
const question: Question = {
  entry: { by: "host" },
  packet: {
    network: "web",
    vni: 100,
    ethSrc: mac("02:42:0a:02:00:02"),
    ethDst: mac("02:42:0a:02:00:0a"),
    from: { family: 4, address: ip("10.2.0.2") },
    to: { family: 4, address: ip("10.2.0.10") },
    content: { kind: "icmp", answer: false },
  },
};

let etcd: Etcd;
const stores: Store[] = [];
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  etcd = await startEtcd();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  for (const store of stores.splice(0)) await store.close();
});
afterAll(() => etcd?.stop());

function open(): Store {
  const store = openEtcd({ endpoints: etcd.endpoints });
  stores.push(store);
  return store;
}

let given = 0;
/** An agent of a node that nobody has but the test; returns when it listens. */
async function startAgent(ask: AnsweringDeps["ask"]): Promise<string> {
  given += 1;
  const node = `node-${given}`;
  const stop = new AbortController();
  const store = open();
  const listens = new Promise<void>((resolve) => {
    const watch: Store["watch"] = (...args) => {
      // The watch is from a revision: what is written from here on is heard.
      resolve();
      return store.watch(...args);
    };
    const registry = { store: { ...store, watch }, keys };
    const deps = { registry, ask, clock, random: Math.random, log: silent, signal: stop.signal };
    const ended = keepAnswering({ ...deps, name: async () => node });
    ends.push(() => {
      stop.abort();
      return ended;
    });
  });
  await listens;
  return node;
}

const ask = (store: Store, node: string, deadline = soon()) =>
  askNode({ store, keys }, node, question, { id: crypto.randomUUID(), deadline });

test("a node asks another one's agent, which answers by its switch", async () => {
  const asked: Question[] = [];
  const answer: Answer = { text: "Flow: icmp\n" };
  const node = await startAgent(async (one) => {
    asked.push(one);
    return answer;
  });
  const store = open();
  expect(await ask(store, node)).toEqual(answer);
  expect(asked).toEqual([question]);
  // Both go by themselves.
  const dump = JSON.parse(etcd.etcdctl("get", "--prefix", `${prefix}/`, "--write-out=json"));
  const kept = (dump.kvs as { key: string; lease?: number }[]).map(({ key, lease }) => ({
    kind: keys.parse(Buffer.from(key, "base64").toString())?.kind,
    leased: lease !== undefined,
  }));
  expect(kept).toContainEqual({ kind: "question", leased: true });
  expect(kept).toContainEqual({ kind: "answer", leased: true });
});

test("nobody is waited for longer than it was said", async () => {
  const heard = await ask(open(), "nobody", soon(300));
  expect(heard).toEqual({ unheard: 'the agent of node "nobody" does not answer' });
});

test("with the embedded store there is nobody to ask", async () => {
  const folder = makeTestFolder();
  const store = openAt(folder.path);
  try {
    const heard = await ask(store, "other", soon(300));
    expect(heard).toEqual({ unheard: expect.stringContaining(`the agent of node "other"`) });
  } finally {
    await store.close();
    folder.remove();
  }
});

test("a question that can't be read never gets to the switch, and the next one does", async () => {
  let count = 0;
  const node = await startAgent(async () => {
    count += 1;
    return { text: "" };
  });
  const store = open();
  const id = crypto.randomUUID();
  const text = '{"entry":{"by":"host"},"packet":"in_port=1,ip"}';
  await store.createFor(keys.question(node, id), text, 10, soon());
  expect(await ask(store, node)).toEqual({ text: "" });
  expect(count).toBe(1);
  const { value } = (await store.get(keys.answer(id), soon())) ?? { value: "" };
  expect(JSON.parse(value)).toEqual({ refused: expect.stringContaining("Cannot read a question") });
});

test("of many questions one is asked at a time, few of all, and then again each", async () => {
  const many = 60;
  let now = 0;
  let most = 0;
  let count = 0;
  const node = await startAgent(async () => {
    now += 1;
    count += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now -= 1;
    return { text: "" };
  });
  const store = open();
  const text = formatQuestion(question);
  const flood = Array.from({ length: many }, (_, at) =>
    store.createFor(keys.question(node, `flood-${at}`), text, 10, soon()),
  );
  await Promise.all(flood);
  // As soon as there is room again.
  await until("it is answered", async () => "text" in (await ask(store, node, soon(2_000))));
  expect(most).toBe(1);
  expect(count).toBeLessThan(many);
});

test("a switch that did not answer is left alone for a while", async () => {
  let count = 0;
  const node = await startAgent(async () => {
    count += 1;
    throw new Failure("try-again", "Cannot reach ovs-vswitchd: it is gone");
  });
  const store = open();
  expect(await ask(store, node)).toEqual({ refused: "Cannot reach ovs-vswitchd: it is gone" });
  expect(await ask(store, node)).toEqual({ refused: "its switch did not answer just now" });
  expect(count).toBe(1);
});
