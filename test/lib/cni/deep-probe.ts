/**
 * Configurations that are nested a hundred thousand deep, under whichever runtime this is started with:
 * each one's exit status and error code. JSON.parse reads them; JavaScriptCore's JSON.stringify
 * overflows the stack, V8's doesn't.
 */
import { attachmentEnv, run } from "./fake-io.ts";

const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;
const env = { CNI_COMMAND: "ADD", ...attachmentEnv };
const texts = new Map([
  ["an unknown key", `"x":${deep}`],
  ["capability", `"runtimeConfig":{"x":${deep}}`],
]);
for (const key of ["name", "type", "cniVersion", "ipam", "prevResult", "runtimeConfig", "args"]) {
  texts.set(key, `"${key}":${deep}`);
}

const found: Record<string, unknown> = {};
for (const [name, text] of texts) {
  const stdin = `{"cniVersion":"1.1.0","name":"web",${text}}`;
  const { status, said } = await run({ env, stdin });
  found[name] = [status, said.code ?? null];
}
console.log(JSON.stringify(found));
