/** What a store in etcd says when it cannot: where it waited, for what, and what to do. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Failure } from "../../../lib/errors.ts";
import type { EtcdConfig } from "../../../lib/store/etcd-endpoint.ts";
import type { Store, Txn } from "../../../lib/store/store.ts";
import { makeAuthority } from "../../lab/certificates.ts";
import { type Etcd, type EtcdOptions, startEtcd } from "../../lab/etcd.ts";
import { freePort } from "../../lab/etcd-member.ts";
import { startFaultyWay } from "../../lab/faulty-way.ts";
import { openEtcd } from "./etcd-lab.ts";

const within = (ms: number) => deadlineIn(() => performance.now(), ms);
const put = (value: string): Txn => ({ compares: [], writes: [{ put: "/r/a", value }] });
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function started(options?: EtcdOptions): Promise<Etcd> {
  const etcd = await startEtcd(options);
  closing.push(etcd.stop);
  return etcd;
}

function opened(config: Partial<EtcdConfig>): Store {
  const store = openEtcd(config);
  closing.push(store.close);
  return store;
}

/** What a read fails with. */
async function refusal(store: Store, deadline = within(20_000)): Promise<Failure> {
  return store.get("/r/a", deadline).then(
    () => expect.unreachable("it was read"),
    (thrown) => thrown,
  );
}

test.each(["::1", "127.0.0.1"])("at %s, by TLS, with its own certificate", async (address) => {
  const { endpoints, tls } = await started({ address, tls: "mutual" });
  expect(await opened({ endpoints, tls }).commit(put("1"), within(20_000))).toMatchObject({
    ok: true,
  });
});

test("by a name", async () => {
  const { endpoints } = await started();
  const named = endpoints.map((endpoint) => endpoint.replace("127.0.0.1", "localhost"));
  const store = opened({ endpoints: named });
  expect(await store.commit(put("1"), within(20_000))).toMatchObject({ ok: true });
});

test("nobody there: at once, with the endpoint", async () => {
  const endpoint = `http://127.0.0.1:${await freePort("127.0.0.1")}`;
  const store = opened({ endpoints: [endpoint] });
  const deadline = within(20_000);
  expect(await refusal(store, deadline)).toMatchObject({
    kind: "try-again",
    message: `Cannot read key "/r/a" in etcd at ${endpoint}: connection refused, or no route to it`,
    details: "Is etcd running there? Is that its address?",
  });
  expect(deadline.left()).toBeGreaterThan(0);
  await expect(store.commit(put("1"), within(20_000))).rejects.toMatchObject({
    message: `Cannot write key "/r/a" in etcd at ${endpoint}: connection refused, or no route to it`,
  });
});

test("https, where no TLS is spoken", async () => {
  const { endpoints } = await started();
  const store = opened({ endpoints: endpoints.map((one) => one.replace("http:", "https:")) });
  expect(await refusal(store)).toMatchObject({
    kind: "store-refused",
    message: expect.stringMatching(/: it ends the connection instead of beginning TLS$/),
    details: "Does it speak TLS? If not, its endpoint begins with http: in node.json.",
  });
});

test("held: at the deadline, and it works again when it goes on", async () => {
  const etcd = await started();
  const store = opened({ endpoints: etcd.endpoints });
  await store.commit(put("1"), within(20_000));
  etcd.pause();
  expect(await refusal(store, within(300))).toMatchObject({
    kind: "try-again",
    message: expect.stringMatching(
      /^Cannot read key "\/r\/a" in etcd at http:\/\/127\.0\.0\.1:\d+: no answer within (300|2\d\d) ms$/,
    ),
  });
  expect(await refusal(store, within(1_200))).toMatchObject({
    message: expect.stringMatching(/: no answer within 1 s$/),
  });
  etcd.resume();
  expect((await store.get("/r/a", within(20_000)))?.value).toBe("1");
});

test("killed and started again: the same store goes on", async () => {
  const etcd = await started();
  const store = opened({ endpoints: etcd.endpoints });
  await store.commit(put("1"), within(20_000));
  await etcd.kill();
  expect(await refusal(store)).toMatchObject({ kind: "try-again" });
  await etcd.start();
  expect((await store.get("/r/a", within(20_000)))?.value).toBe("1");
  expect(await store.commit(put("2"), within(20_000))).toMatchObject({ ok: true });
});

test("a database that is full can be read, and says what to do", async () => {
  const etcd = await started({ more: [`--quota-backend-bytes=${2 ** 20}`] });
  const store = opened({ endpoints: etcd.endpoints });
  const filling = async () => {
    for (;;) await store.commit(put("x".repeat(200_000)), within(20_000));
  };
  await expect(filling()).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("alarm NOSPACE"),
    details: expect.stringContaining("etcdctl alarm disarm"),
  });
  expect((await store.get("/r/a", within(20_000)))?.value).toHaveLength(200_000);
});

test("what is too large for one request", async () => {
  const { endpoints } = await started();
  const store = opened({ endpoints });
  await expect(store.commit(put("x".repeat(2e6)), within(20_000))).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("request is too large"),
  });
  const writes = Array.from({ length: 200 }, (_, n) => ({ put: `/r/${n}`, value: "" }));
  await expect(store.commit({ compares: [], writes }, within(20_000))).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("too many operations"),
  });
});

describe("with TLS", () => {
  let etcd: Etcd;
  beforeAll(async () => {
    etcd = await startEtcd({ tls: "mutual" });
  });
  afterAll(() => etcd.stop());
  const tls = () => {
    if (etcd.tls === undefined) throw new Error("no certificates");
    return etcd.tls;
  };
  const endpoint = () => etcd.endpoints[0] ?? "";
  const elsewhere = () => makeAuthority(etcd.folder, `other-${performance.now()}`);
  const advice = expect.stringContaining("store.tls in node.json");

  test("the right certificates are let in, by address", async () => {
    const store = opened({ endpoints: etcd.endpoints, tls: tls() });
    expect(await store.commit(put("1"), within(20_000))).toMatchObject({ ok: true });
    const end = store.watch("/r/", 1 as never, () => {}, AbortSignal.timeout(100));
    expect(await end).toEqual({ reason: "closed" });
  });

  test("another authority's server", async () => {
    const store = opened({ endpoints: etcd.endpoints, tls: { ...tls(), ca: elsewhere().ca } });
    expect(await refusal(store)).toMatchObject({
      kind: "store-refused",
      message: expect.stringContaining("certificate"),
      details: advice,
    });
  });

  test("a server whose certificate is for another name or address", async () => {
    const way = await startFaultyWay(endpoint(), "127.0.0.2");
    closing.push(way.close);
    for (const other of [endpoint().replace("127.0.0.1", "localhost"), way.url]) {
      expect(await refusal(opened({ endpoints: [other], tls: tls() }))).toMatchObject({
        kind: "store-refused",
        message: expect.stringContaining("does not match certificate's altnames"),
        details: advice,
      });
    }
  });

  test("no certificate of our own, and one of another authority", async () => {
    const { ca } = tls();
    for (const wrong of [{ ca }, { ca, ...elsewhere().issue("stranger") }]) {
      const store = opened({ endpoints: etcd.endpoints, tls: wrong });
      expect(await refusal(store)).toMatchObject({
        kind: "store-refused",
        message: expect.stringMatching(/: TLS: .*certificate/),
        details: advice,
      });
    }
  });

  test("without TLS", async () => {
    const store = opened({ endpoints: [endpoint().replace("https:", "http:")] });
    expect(await refusal(store)).toMatchObject({
      kind: "try-again",
      details: expect.stringContaining("https:"),
    });
  });
});
