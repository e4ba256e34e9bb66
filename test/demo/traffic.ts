/** Traffic of the demo that takes a server. */
import type { Attached } from "../lab/attach.ts";
import type { Outside } from "../lab/lab.ts";
import { run, start } from "../lab/run.ts";

/** A web server in one container, asked from another: gives the page. */
export function http(from: string, { container, address }: Attached): Promise<string> {
  return served(
    container.netns,
    `require("node:http").createServer((_, answer) => answer.end("hello from ${address}"))`,
    from,
    `fetch("http://${address}:8080/", { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).then(console.log)`,
  );
}

/** Who a connection from a container comes from, as a server outside sees it. */
export function sourceSeenOutside(outside: Outside, { container }: Attached): Promise<string> {
  return served(
    outside.netns,
    `require("node:net").createServer((peer) => peer.end(peer.remoteAddress.replace("::ffff:", "")))`,
    container.netns,
    `const peer = require("node:net").connect(8080, "${outside.address}"); peer.on("data", (text) => console.log(String(text))); peer.setTimeout(5000, () => peer.destroy())`,
  );
}

/** Runs a server, as an expression that makes one, and a program that asks it; gives what that says. */
async function served(at: string, server: string, from: string, asking: string): Promise<string> {
  const node = process.execPath;
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const serve = `${server}.listen(8080, () => console.log("ready"))`;
  const serving = start({ netns: at, argv: [...die, node, "-e", serve] });
  try {
    await serving.says(/ready/);
    return (await run({ netns: from, argv: [node, "-e", asking] })).stdout.trim();
  } finally {
    serving.kill("SIGKILL");
    await serving.outcome;
  }
}
