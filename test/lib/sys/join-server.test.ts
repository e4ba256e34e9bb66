/** The server that strangers reach, and the client that asks it, in both runtimes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority, openAuthority } from "../../../lib/trust/authority.ts";
import { issueNode } from "../../../lib/trust/certificate.ts";
import { makeAuthority } from "../../lab/certificates.ts";
import { type Running, run, start } from "../../lab/run.ts";
import { until } from "../../lab/until.ts";
import { programAt, runtimes } from "./runtimes.ts";

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "sp-join-"));
const text = (name: string) => readFileSync(join(folder, name), "utf8");
beforeAll(async () => {
  const authority = makeAuthority(folder);
  authority.issue("server", host);
  authority.issue("renewed", host);
  authority.issue("elsewhere", "192.0.2.1");
  authority.issue("client");
  makeAuthority(folder, "other").issue("stranger");
  await makeExpired();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A certificate whose time is over, and its authority. */
async function makeExpired(): Promise<void> {
  const then = new Date(Date.now() - 800 * 24 * 3_600_000);
  const made = await createAuthority(then);
  const own = { name: "expired", addresses: [host] };
  const { cert, key } = await issueNode(await openAuthority(made), own, then);
  const files = { "expired-ca.pem": made.cert, "expired.pem": cert, "expired.key": key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

/** All that comes until the other side ends it. */
const heard = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let all = "";
    socket.on("data", (piece) => {
      all += piece;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(all));
  });

describe.each(Object.entries(runtimes))("under %s", (_name, runtime) => {
  const program = [...runtime, programAt("join-probe.ts")];
  let server: Running;
  let plain: Running;
  let port = 0;
  let plainPort = 0;
  const serve = async (how: string) => {
    const argv = ["setpriv", "--pdeathsig", "KILL", ...program, "serve", how];
    const running = start({ argv, limitMs: 120_000 });
    const [, found = ""] = await running.says(/listening (\d+)/);
    return { running, port: Number(found) };
  };
  beforeAll(async () => {
    ({ running: server, port } = await serve(folder));
    ({ running: plain, port: plainPort } = await serve("plain"));
  });
  afterAll(async () => {
    for (const one of [server, plain]) {
      one?.kill("SIGKILL");
      await one?.outcome;
    }
  });

  const ask = async (
    more: object,
  ): Promise<{ status?: number; body?: string; kind?: string; message?: string }> => {
    const question = { host, port, path: "/a", longest: 1_000, patienceMs: 5_000, ...more };
    const outcome = await run({ argv: [...program, "ask", JSON.stringify(question)] });
    return JSON.parse(outcome.stdout);
  };
  const trust = (own?: string) => ({
    ca: text("ca.pem"),
    ...(own && { own: { cert: text(`${own}.pem`), key: text(`${own}.key`) } }),
  });
  const says = (raw: string): Promise<string> => {
    const socket = createConnection({ host, port: plainPort });
    socket.write(raw);
    return heard(socket);
  };

  test("who asks is known by a certificate of the authority, and by no other", async () => {
    const asked = async (own?: string) => JSON.parse((await ask({ trust: trust(own) })).body ?? "");
    expect(await asked("client")).toEqual({
      method: "GET",
      path: "/a",
      from: host,
      peer: "client",
      length: 0,
    });
    expect(await asked()).not.toHaveProperty("peer");
    expect(await asked("stranger")).not.toHaveProperty("peer");
    const posted = await ask({ trust: "anybody", body: "three" });
    expect(JSON.parse(posted.body ?? "")).toMatchObject({ method: "POST", length: 5 });
    expect(await ask({ trust: "plain", port: plainPort })).toMatchObject({ status: 200 });
  });

  test("a server that is not the authority's, or not of that address, is told nothing", async () => {
    expect(await ask({ trust: { ca: text("other.pem") } })).toMatchObject({
      kind: "store-refused",
      message: expect.stringContaining(`Cannot ask ${host}:${port}: `),
    });
  });

  test("nobody there, somebody silent, and who says too much", async () => {
    expect(await ask({ trust: "plain", port: 1 })).toEqual({
      kind: "try-again",
      message: `Cannot ask ${host}:1: nobody listens there, or there is no route to it`,
    });
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, host, resolve));
    const address = silent.address();
    const at = typeof address === "object" && address !== null ? address.port : 0;
    for (const how of ["plain", "anybody"]) {
      expect(await ask({ trust: how, port: at, patienceMs: 300 })).toEqual({
        kind: "try-again",
        message: `Cannot ask ${host}:${at}: no answer within 300 ms`,
      });
    }
    silent.close();
    expect(await ask({ trust: trust(), longest: 10 })).toMatchObject({
      kind: "store-refused",
      message: expect.stringContaining("it is longer than 10 bytes"),
    });
  });

  test.each([
    ["a body that is too long", "POST / HTTP/1.1\r\ncontent-length: 1001\r\n\r\n", 413],
    ["a length without end", `POST / HTTP/1.1\r\ncontent-length: ${"9".repeat(40)}\r\n\r\n`, 400],
    ["two lengths", "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na", 400],
    ["no length", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", 411],
    ["a head that is too long", `GET / HTTP/1.1\r\na: ${"b".repeat(5_000)}`, 431],
    ["a way up", "GET ../etc/passwd HTTP/1.1\r\n\r\n", 400],
    ["another protocol", "SSH-2.0-x\r\n\r\n", 400],
    ["a negative length", "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400],
  ])("%s is refused", async (_what, raw, status) => {
    expect(await says(raw)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("what follows a request is not read, and what fails ends the connection", async () => {
    const two = "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
    const answer = await says(two);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toContain('"path":"/a"');
    expect(await says("POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nfail")).toBe("");
    const socket = createConnection({ host, port: plainPort });
    socket.write("GET /slow HTTP/1.1\r\n\r\n");
    setTimeout(() => socket.write("and more"), 100);
    expect(await heard(socket)).toContain("1 so far");
    expect(await says("GET /slow HTTP/1.1\r\n\r\n")).toContain("2 so far");
  });

  test("who is slow is cut off, and others are answered meanwhile", async () => {
    const began = performance.now();
    const silent = createConnection({ host, port });
    const slow = connect({ host, port, rejectUnauthorized: false }, () =>
      slow.write("POST / HTTP/1.1\r\ncontent-length: 900\r\n\r\n"),
    );
    const drip = setInterval(() => slow.write("a"), 100);
    const ends = Promise.all([heard(silent), heard(slow)]);
    expect(await ask({ trust: trust() })).toMatchObject({ status: 200 });
    expect(await ends).toEqual(["", ""]);
    clearInterval(drip);
    expect(performance.now() - began).toBeGreaterThan(1_900);
  });

  test("of many at once some are refused, and it goes on", async () => {
    const many = Array.from({ length: 32 }, (_, at) =>
      createConnection({ host, port: plainPort, localAddress: `127.0.1.${at >> 1}` }),
    );
    await Promise.all(many.map((one) => new Promise((resolve) => one.once("connect", resolve))));
    const ends = Promise.all(many.map(heard));
    expect(await says("GET / HTTP/1.1\r\n\r\n")).toBe("");
    await ends;
    expect(await says("GET / HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1.1 200 /);
  });

  test("one who holds many keeps nobody else out, and is told so", async () => {
    const from = "127.0.0.2";
    const first = Array.from({ length: 4 }, () =>
      createConnection({ host, port, localAddress: from }),
    );
    await Promise.all(first.map((one) => new Promise((resolve) => one.once("connect", resolve))));
    const ends = first.map(heard);
    const more = Array.from({ length: 40 }, () =>
      createConnection({ host, port, localAddress: from }),
    );
    // The first are there still when those are gone.
    expect(await Promise.race([Promise.all(more.map(heard)), ...ends])).toHaveLength(40);
    expect(first.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
    await until(
      "others being answered",
      async () => (await ask({ trust: trust() })).status === 200,
    );
    await Promise.all(ends);
  });

  test("who is asked for more than it takes says that, and to try again", async () => {
    const full = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => full.listen(0, host, resolve));
    const address = full.address();
    const at = typeof address === "object" && address !== null ? address.port : 0;
    for (const how of ["plain", "anybody"]) {
      expect(await ask({ trust: how, port: at })).toEqual({
        kind: "try-again",
        message: `Cannot ask ${host}:${at}: it takes no more now: try again`,
      });
    }
    full.close();
  });

  test("who does not ask is cut off earlier than who waits for an answer", async () => {
    const ended: string[] = [];
    const waits = ask({ trust: trust(), path: "/long" }).then(({ status }) =>
      ended.push(`${status}`),
    );
    const silent = (to: number) => heard(createConnection({ host, port: to }));
    await Promise.all([silent(port), silent(plainPort)]);
    ended.push("silent");
    await waits;
    expect(ended).toEqual(["silent", "200"]);
  });

  test("of many in a second some are refused, and it goes on", async () => {
    const rare = await serve("rare");
    const ask = () => {
      const socket = createConnection({ host, port: rare.port });
      socket.write("GET / HTTP/1.1\r\n\r\n");
      return heard(socket);
    };
    const answers = await Promise.all(Array.from({ length: 30 }, ask));
    expect(answers.filter((one) => one !== "").length).toBeLessThan(30);
    expect(answers[0]).toMatch(/^HTTP\/1.1 200 /);
    await until("it answering again", async () => (await ask()).startsWith("HTTP/1.1 200 "));
    rare.running.kill("SIGKILL");
    await rare.running.outcome;
  });

  test("who breaks off, or speaks no TLS, does not end it", async () => {
    const broken = createConnection({ host, port });
    broken.on("error", () => {});
    broken.write("GET / HTTP/1.1\r\n\r\n");
    await pause(50);
    broken.resetAndDestroy();
    const half = createConnection({ host, port: plainPort });
    half.on("error", () => {});
    half.write("POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc");
    await pause(50);
    half.resetAndDestroy();
    expect(await ask({ trust: trust() })).toMatchObject({ status: 200 });
    expect(await ask({ trust: "plain", port: plainPort })).toMatchObject({ status: 200 });
  });

  test("by a name, the server is whoever has the address behind it", async () => {
    expect(await ask({ trust: trust(), host: "localhost" })).toMatchObject({ status: 200 });
    expect(await ask({ trust: trust(), host: "nobody.invalid" })).toEqual({
      kind: "try-again",
      message: `Cannot ask nobody.invalid:${port}: its name has no address`,
    });
  });

  test("a renewed certificate is shown to who comes next", async () => {
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ host, port, ca: text("ca.pem") }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on("error", reject);
      });
    expect(await shown()).toBe("server");
    server.kill("SIGHUP");
    await server.says(/is renewed/);
    expect(await shown()).toBe("renewed");
    // One that is another address's.
    server.kill("SIGUSR2");
    await server.says(/is elsewhere/);
    expect(await ask({ trust: trust() })).toMatchObject({
      kind: "store-refused",
      message: expect.stringMatching(/altnames|does not match|ALTNAME/i),
    });
    server.kill("SIGWINCH");
    await server.says(/is expired/);
    expect(await ask({ trust: { ca: text("expired-ca.pem") } })).toEqual({
      kind: "store-refused",
      message: `Cannot ask ${host}:${port}: certificate has expired`,
      details: "Are the clocks of both machines right?",
    });
  });
});
