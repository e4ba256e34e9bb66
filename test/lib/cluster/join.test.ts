/** Joining by a token, on a real etcd and over real TLS: who is taken in, and who is not. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { joinAnyOf, requestToJoin } from "../../../lib/cluster/join.ts";
import { openJoinService } from "../../../lib/cluster/join-service.ts";
import { formatJoin, paths } from "../../../lib/cluster/messages.ts";
import { createToken, deleteToken, listTokens } from "../../../lib/cluster/tokens.ts";
import { Failure } from "../../../lib/errors.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { askHttp } from "../../../lib/sys/http-client.ts";
import { readCertificate } from "../../../lib/trust/certificate.ts";
import { makeRequest } from "../../../lib/trust/request.ts";
import { parseToken, type Token } from "../../../lib/trust/token.ts";
import { until } from "../../lab/until.ts";
import { type OwnEtcd, openOwnEtcd } from "../store/etcd-lab.ts";
import { drivers, type JoinLab, newAuthority, openJoinLab, openRecord, soon } from "./lab.ts";

let own: OwnEtcd;
let lab: JoinLab;
beforeAll(async () => {
  own = await openOwnEtcd();
});
afterAll(() => own?.close());
beforeEach(async () => {
  lab = await openJoinLab(own.store);
});
afterEach(() => lab.close());

async function newToken(seconds?: number): Promise<Token> {
  const wanted = { authority: lab.hash, now: new Date(), ...(seconds && { seconds }) };
  const token = parseToken(await createToken(lab.registry, wanted, soon()));
  if (token === undefined) throw new Error("no token");
  return token;
}
const join = (token: Token | undefined, more = {}) => requestToJoin(drivers, lab.wish(token, more));
const tokensLeft = async () => (await listTokens(lab.registry, soon())).map(({ id }) => id);

const register = (name: string, vtep: string, machineId: string) =>
  registerNode(lab.registry, { name, machineId, vtep: parseVtep(vtep), boot: "boot" }, soon());

test("a token takes in one node, with a certificate of its own", async () => {
  const token = await newToken();
  const joined = await join(token);
  expect(joined).toMatchObject({
    endpoints: ["https://192.0.2.1:2379"],
    prefix: "/socketplane/v1",
    identity: { ca: lab.ca },
  });
  const facts = await readCertificate(joined.identity?.cert ?? "");
  expect(facts).toMatchObject({ name: "host-b" });
  expect(facts?.addresses.slice(0, 2)).toEqual(["192.0.2.2", "127.0.0.1"]);
  // By it, the node is known to others of the cluster.
  const { identity } = joined;
  if (identity === undefined) throw new Error("no identity");
  const { csr } = await makeRequest("host-b", identity.key);
  const ask = { ...lab.at, path: paths.renew, longest: 65_536, patienceMs: 10_000 };
  await register("host-b", "192.0.2.2", "machine-b");
  const trust = { ca: identity.ca, own: identity };
  const body = JSON.stringify({ csr, vtep: "192.0.2.2" });
  expect((await askHttp({ ...ask, trust, body })).status).toBe(200);
});

test("a used token is refused", async () => {
  const token = await newToken();
  await join(token);
  await expect(join(token, { node: "host-c", vtep: "192.0.2.3" })).rejects.toMatchObject({
    kind: "invalid-config",
    message: `Cannot join the cluster at 127.0.0.1:${lab.at.port}: its token is not known: it was used, its time is over, or it is not written right`,
    details: expect.stringContaining("cluster token create"),
  });
});

test("of two with one token at once, one is taken in", async () => {
  const token = await newToken();
  const both = await Promise.allSettled([
    join(token),
    join(token, { node: "host-c", vtep: "192.0.2.3", machineId: "machine-c" }),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("an expired token is refused", async () => {
  const token = await newToken(1);
  expect(await tokensLeft()).toEqual([token.id]);
  await until("the token gone", async () => (await tokensLeft()).length === 0);
  await expect(join(token)).rejects.toThrow("its token is not known");
});

test("a token that was deleted is refused", async () => {
  const token = await newToken();
  expect(await deleteToken(lab.registry, token.id, soon())).toBe("deleted");
  expect(await deleteToken(lab.registry, token.id, soon())).toBe("absent");
  await expect(join(token)).rejects.toThrow("its token is not known");
});

test("wrong tokens: refused, then not listened to, and the log has no secret", async () => {
  const token = await newToken();
  const wrong = { ...token, secret: "aaaabbbbccccdddd" };
  for (let round = 0; round < 5; round += 1) {
    await expect(join(wrong)).rejects.toThrow("its token is not known");
  }
  // Now the right one as well.
  await expect(join(token)).rejects.toMatchObject({
    kind: "try-again",
    message: expect.stringContaining("too many wrong tokens"),
  });
  const refusals = lab.said.filter(({ message }) => message === "refused to take in a node");
  expect(refusals).toHaveLength(5);
  expect(refusals.at(-1)?.fields).toMatchObject({ from: "127.0.0.1", further: expect.anything() });
  const log = JSON.stringify(lab.said);
  for (const secret of [token.secret, wrong.secret]) expect(log).not.toContain(secret);
  lab.pass(61_000);
  await join(token);
  expect(JSON.stringify(lab.said)).not.toContain(token.secret);
  expect(lab.said.at(-1)?.fields).toMatchObject({ node: "host-b", token: token.id });
});

test("the store has no secret", async () => {
  const token = await newToken();
  const [entry] = (await own.store.range(lab.registry.keys.tokens, soon())).entries;
  expect(entry?.value).toContain("hash");
  expect(entry?.value).not.toContain(token.secret);
});

test("who answers for another authority than the token's is told nothing", async () => {
  const other = await newAuthority();
  const token = { ...(await newToken()), authority: other.authority.hash };
  await expect(join(token)).rejects.toMatchObject({
    kind: "invalid-config",
    message: expect.stringContaining("who answers is not of the token's cluster"),
  });
  expect(lab.said).toEqual([]);
});

test("who shows the right authority, and has no certificate of it, is told nothing", async () => {
  const token = await newToken();
  const told: string[] = [];
  // Another's server that hands on the cluster's certificate: what is public is public.
  const other = await openJoinLab(own.store);
  const askLiar: typeof askHttp = async (question) => {
    if (question.trust === "anybody") return { status: 200, body: lab.ca };
    return askHttp(question).finally(() => told.push("asked"));
  };
  const wish = { ...lab.wish(token), at: other.at };
  await expect(requestToJoin({ askHttp: askLiar }, wish)).rejects.toMatchObject({
    kind: "store-refused",
  });
  expect(told).toEqual(["asked"]);
  expect(other.said).toEqual([]);
  other.close();
});

test("a second certificate behind the right one is not trusted", async () => {
  const token = await newToken();
  const other = await openJoinLab(own.store);
  const askLiar: typeof askHttp = async (question) =>
    question.trust === "anybody"
      ? { status: 200, body: `${lab.ca}${other.ca}` }
      : askHttp(question);
  const wish = { ...lab.wish(token), at: other.at };
  await expect(requestToJoin({ askHttp: askLiar }, wish)).rejects.toThrow(/certificate|issuer/);
  expect(other.said).toEqual([]);
  other.close();
});

describe("a name or VTEP of another node", () => {
  test("is refused, and the token stays", async () => {
    await register("host-b", "192.0.2.2", "another machine");
    const token = await newToken();
    await expect(join(token)).rejects.toMatchObject({
      kind: "invalid-config",
      message: expect.stringContaining('another machine has the name "host-b" in the cluster'),
      details: expect.stringContaining("socketplane node remove host-b"),
    });
    await expect(join(token, { node: "host-c", machineId: "machine-c" })).rejects.toMatchObject({
      message: expect.stringContaining(`its address 192.0.2.2 is node "host-b"'s`),
    });
    expect(await tokensLeft()).toEqual([token.id]);
    await join(token, { node: "host-c", vtep: "192.0.2.3", machineId: "machine-c" });
  });

  test("is its own for the same machine", async () => {
    await register("host-b", "192.0.2.2", "machine-b");
    await join(await newToken());
  });

  test("is told to nobody without a token", async () => {
    await register("host-b", "192.0.2.2", "another machine");
    const wrong = { ...(await newToken()), secret: "aaaabbbbccccdddd" };
    await expect(join(wrong)).rejects.toThrow("its token is not known");
  });
});

describe("a request that is not its sender's", () => {
  const send = async (token: Token, csr: string, node = "host-b") => {
    const body = JSON.stringify({ token, csr, node, vtep: "192.0.2.2", machineId: "machine-b" });
    const { token: given, ...rest } = JSON.parse(body);
    const { id, secret } = given;
    return askHttp({
      ...lab.at,
      path: paths.join,
      body: JSON.stringify({ token: { id, secret }, ...rest }),
      trust: { ca: lab.ca },
      longest: 65_536,
      patienceMs: 10_000,
    });
  };

  test("is refused, and the token stays", async () => {
    const token = await newToken();
    const { csr } = await makeRequest("host-b");
    // Another's key under a signature that is not its own.
    const bytes = Buffer.from(csr.replace(/-----.*-----|\s/g, ""), "base64");
    const at = bytes.length - 3;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    const refused = await send(token, forged);
    expect(refused).toMatchObject({ status: 400 });
    expect(refused.body).toContain("its signature is not by the key that it is for");
    for (const [other, state] of [
      [(await makeRequest("host-c")).csr, "it is not for node"],
      ["nonsense", "it is none in PEM"],
      [lab.ca, "Cannot sign the certificate request"],
    ] as const) {
      expect((await send(token, other)).body).toContain(state);
    }
    expect(await tokensLeft()).toEqual([token.id]);
    expect((await send(token, csr)).status).toBe(200);
  });
});

describe("renewing", () => {
  const renew = async (own: { cert: string; key: string } | undefined, csr: string, vtep: string) =>
    askHttp({
      ...lab.at,
      path: paths.renew,
      body: JSON.stringify({ csr, vtep }),
      trust: { ca: lab.ca, ...(own && { own }) },
      longest: 65_536,
      patienceMs: 10_000,
    });

  test("takes a certificate of the cluster, and renews its own name only", async () => {
    await register("host-b", "192.0.2.2", "machine-b");
    await register("host-c", "192.0.2.3", "machine-c");
    const own = await lab.issue("host-b");
    const { csr } = await makeRequest("host-b", own.key);
    expect((await renew(own, csr, "192.0.2.2")).status).toBe(200);
    expect((await renew(undefined, csr, "192.0.2.2")).status).toBe(401);
    const foreign = await newAuthority();
    expect((await renew(foreign, csr, "192.0.2.2")).status).toBe(401);
    const another = await makeRequest("host-c");
    expect((await renew(own, another.csr, "192.0.2.2")).body).toContain("it is not for node");
    expect((await renew(own, csr, "192.0.2.3")).body).toContain(`is node \\"host-c\\"'s`);
  });

  test("is refused to a node that was removed", async () => {
    const own = await lab.issue("host-b");
    const { csr } = await makeRequest("host-b", own.key);
    const refused = await renew(own, csr, "192.0.2.2");
    expect(refused.status).toBe(409);
    expect(refused.body).toContain("is not of the cluster any more");
  });
});

test("a store that is away is told as that, and to the log once", async () => {
  const token = await newToken();
  const { log, said } = openRecord();
  const away = new Failure("try-again", "Cannot read key: secret place");
  const answer = openJoinService({
    registry: { ...lab.registry, store: { ...own.store, get: () => Promise.reject(away) } },
    authority: (await newAuthority()).authority,
    store: { endpoints: [], prefix: "" },
    clock: () => performance.now(),
    wallClock: Date.now,
    log,
  });
  const vtep = parseVtep("192.0.2.2");
  if (vtep === undefined) throw new Error("no address");
  const csr = (await makeRequest("host-b")).csr;
  const body = formatJoin({ token, csr, node: "host-b", vtep, machineId: "b" });
  const ask = () => answer({ method: "POST", path: paths.join, body, from: "a", peer: undefined });
  for (let round = 0; round < 3; round += 1) {
    const { status, body: told } = await ask();
    expect([status, told.includes("secret place")]).toEqual([503, false]);
  }
  expect(said).toEqual([
    {
      level: "warn",
      message: "cannot answer who asks to join",
      fields: { reason: "Cannot read key: secret place" },
    },
  ]);
});

test("however many were found that do not answer, asking has an end", async () => {
  let now = 0;
  const asked: string[] = [];
  const askHttp = async () => {
    now += 10_000;
    throw new Failure("try-again", "no answer");
  };
  const ways = Array.from({ length: 100 }, (_, at) => ({ host: `192.0.2.${at}`, port: 9479 }));
  const how = { clock: () => now, say: (line: string) => void asked.push(line) };
  await expect(joinAnyOf({ askHttp }, ways, lab.wish(await newToken()), how)).rejects.toMatchObject(
    { details: expect.stringContaining("192.0.2.6:9479: it was not asked") },
  );
  expect(asked).toHaveLength(6);
});

test("a cluster without TLS takes in whoever asks, under a name that is free", async () => {
  const plain = await openJoinLab(own.store, "plain");
  const wish = plain.wish(undefined);
  expect(await requestToJoin(drivers, wish)).toEqual({
    identity: undefined,
    endpoints: ["https://192.0.2.1:2379"],
    prefix: "/socketplane/v1",
  });
  const node = { name: "host-b", machineId: "another", vtep: parseVtep("192.0.2.9"), boot: "" };
  await registerNode(plain.registry, node, soon());
  await expect(requestToJoin(drivers, wish)).rejects.toThrow("another machine has the name");
  plain.close();
});
