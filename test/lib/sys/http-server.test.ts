import { createConnection } from "node:net";
import { expect, test } from "vitest";
import { serveHttp } from "../../../lib/sys/http-server.ts";

const host = "127.0.0.1";

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("answers by the path, to who reads only, and says that a port is taken", async () => {
  const port = await freePort();
  const answer = (path: string) => ({ status: 200, type: "text/plain", body: `you: ${path}\n` });
  const server = await serveHttp({ host, port }, answer);
  const at = `http://${host}:${port}`;
  const found = await fetch(`${at}/x?y=1`);
  expect([found.status, await found.text()]).toEqual([200, "you: /x\n"]);
  expect((await fetch(`${at}/x`, { method: "POST" })).status).toBe(405);
  await expect(serveHttp({ host, port }, answer)).rejects.toThrow(
    `Cannot listen on ${host}:${port}: `,
  );
  // Who has a connection open does not keep it from ending.
  const idle = createConnection({ host, port });
  await new Promise((resolve) => idle.once("connect", resolve));
  const closed = new Promise((resolve) => idle.once("close", resolve));
  idle.resume();
  server.close();
  await closed;
  await expect(fetch(`${at}/x`)).rejects.toThrow();
});
