/**
 * serve FOLDER|plain|rare: serves on a free port, says "listening PORT", and answers what it was asked.
 * ask QUESTION: asks, and says what came of it. Both until they are killed, or done.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Failure } from "../../../lib/errors.ts";
import { askHttp } from "../../../lib/sys/http-client.ts";
import { type Served, serveJoining } from "../../../lib/sys/join-server.ts";

const [, , what, argument = ""] = process.argv;
const isPlain = ["plain", "rare"].includes(argument);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

const read = (name: string) => readFileSync(join(argument, name), "utf8");
const identity = (name: string) => ({
  ca: read("ca.pem"),
  cert: read(`${name}.pem`),
  key: read(`${name}.key`),
});

if (what === "serve") {
  let slow = 0;
  const answer = async ({ body, ...request }: Served) => {
    if (body === "fail") throw new Error("it failed");
    if (request.path === "/slow") {
      slow += 1;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { status: 200, body: `${slow} so far` };
    }
    if (request.path === "/long") await new Promise((resolve) => setTimeout(resolve, 3_000));
    return { status: 200, body: JSON.stringify({ ...request, length: body.length }) };
  };
  const port = await freePort();
  const server = await serveJoining({
    host: "127.0.0.1",
    port,
    identity: isPlain ? undefined : identity("server"),
    longest: 1_000,
    patienceMs: 5_000,
    ...(argument === "rare" && { limits: { atOnce: 1_000, ofOne: 1_000, aSecond: 10 } }),
    answer,
  });
  for (const [signal, name] of [
    ["SIGHUP", "renewed"],
    ["SIGUSR2", "elsewhere"],
    ["SIGWINCH", "expired"],
  ] as const) {
    process.on(signal, () => {
      server.renew(identity(name));
      console.log(`is ${name}`);
    });
  }
  console.log(`listening ${port}`);
} else {
  const outcome = await askHttp(JSON.parse(argument)).catch((fault: unknown) =>
    fault instanceof Failure
      ? { kind: fault.kind, message: fault.message, details: fault.details }
      : String(fault),
  );
  console.log(JSON.stringify(outcome));
  process.exit(0);
}
