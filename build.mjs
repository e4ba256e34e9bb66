#!/usr/bin/env node
/**
 * Makes the executables: `npm run build` -> dist/bin/socketplane, and the same file under the name
 * socketplane-ipam (a hard link: the executable looks at the name it was called by).
 *
 * Runs under any Node from 20 on; the bundling is done by Bun, from node_modules, in a process of
 * its own that runs this same file. Bun's own splitting is what makes the short-lived commands
 * start fast: what stands behind a dynamic import() is in the file, but is not read.
 *
 * Every file appears by rename(2), never half-written: a runtime may be starting the old one
 * ("text file busy"), and two builds may run at once.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { link, mkdir, mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const top = dirname(fileURLToPath(import.meta.url));
const usage = "usage: npm run build [-- [--runtime bun] [--if-needed]]";

/** What is made, from what, and under which other names. */
const executables = [
  {
    out: "dist/bin/socketplane",
    entry: "cmd/socketplane.ts",
    also: ["dist/bin/socketplane-ipam"],
    // How many times hotter than usual a function must be before it is compiled. *Measured*: a
    // plugin is done before that pays, and an ADD that compiles nothing takes 8 to 12 % less time.
    // What lives on goes back to the usual (lib/sys/jit-bun.ts).
    jitPolicy: 100,
  },
  // The benchmarks' reference: what starting nothing costs.
  { out: "dist/bench/empty", entry: "test/bench/empty.ts", also: [] },
];

process.chdir(top);
if (process.versions.bun === undefined) process.exitCode = build(process.argv.slice(2));
else {
  await sweep();
  for (const executable of executables) await compile(executable);
}

/** Reads the arguments and goes on under Bun. Gives the exit status. */
function build(args) {
  const options = {
    runtime: { type: "string", default: "bun" },
    "if-needed": { type: "boolean", default: false },
  };
  let values;
  try {
    values = parseArgs({ args, options }).values;
  } catch (error) {
    return fail(`Cannot build: ${error.message}\n${usage}`);
  }
  if (values.runtime !== "bun") {
    return fail(`Cannot build for runtime "${values.runtime}": only "bun" is supported\n${usage}`);
  }
  if (values["if-needed"] && isFresh()) return 0;
  const bun = join(top, "node_modules/.bin/bun");
  if (!existsSync(bun)) return fail(`Cannot build: ${bun} is not there: run "npm ci" first`);
  // Nothing of the caller's surroundings has a say: no BUN_OPTIONS, no .env.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const self = fileURLToPath(import.meta.url);
  return spawnSync(bun, ["--no-env-file", self], { env, stdio: "inherit" }).status ?? 1;
}

function fail(message) {
  console.error(message);
  return 1;
}

/** True if every executable is there and younger than all it is made of. */
function isFresh() {
  const made = executables.flatMap(({ out, also }) => [out, ...also]);
  if (!made.every((path) => existsSync(path))) return false;
  const age = (path) => statSync(path).mtimeMs;
  const oldest = Math.min(...made.map(age));
  return sources().every((path) => age(path) < oldest);
}

/** Files, and folders too: a removed file shows in its folder's time. */
function sources() {
  const inside = (folder) =>
    readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
  const entries = executables.map(({ entry }) => entry);
  const settings = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"];
  return [...settings, ...entries, "cmd", ...inside("cmd"), "lib", ...inside("lib")];
}

/** Removes what builds that were killed have left: each is as large as an executable. */
async function sweep() {
  await mkdir("dist", { recursive: true });
  for (const name of readdirSync("dist")) {
    const [, pid] = /^\.build-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join("dist", name), { recursive: true, force: true });
  }
}

/** Puts etcd's protocol into the executable, in the place of what reads it from etcd3's folder. */
function etcdProtocol() {
  return {
    name: "etcd-protocol",
    setup: (bundle) => {
      bundle.onLoad({ filter: /\/lib\/store\/etcd-proto\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const reading = "new protobuf.Root().loadSync(protocolPath(), { keepCase: true })";
        if (!source.includes(reading)) {
          throw new Error(`Cannot embed etcd's protocol: ${path} reads it in another way`);
        }
        const parsed = `protobuf.Root.fromJSON(${JSON.stringify(parsedProtocol())})`;
        const contents = source.replace(reading, () => parsed);
        return { contents, loader: "ts" };
      });
    },
  };
}

function parsedProtocol() {
  const require = createRequire(import.meta.url);
  const { Root } = require("protobufjs");
  return new Root().loadSync(require.resolve("etcd3/proto/rpc.proto"), { keepCase: true }).toJSON();
}

/** Bundles and compiles one executable; dist/<name>.meta.json tells which module went where. */
async function compile({ out, entry, also, jitPolicy }) {
  await mkdir(dirname(out), { recursive: true });
  const temporary = await mkdtemp(`dist/.build-${process.pid}-`);
  const made = join(temporary, basename(out));
  const meta = `${made}.meta.json`;
  const began = new Date();
  try {
    const { metafile } = await globalThis.Bun.build({
      entrypoints: [entry],
      target: "bun",
      format: "esm",
      splitting: true,
      minify: true,
      bytecode: true,
      metafile: true,
      plugins: [etcdProtocol()],
      compile: {
        outfile: made,
        ...(jitPolicy !== undefined && { jitPolicy }),
        // Root runs these in any directory: what lies there must have no say.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    await writeFile(meta, JSON.stringify(metafile, null, 1));
    await rename(meta, join("dist", basename(meta)));
    // A source that was changed meanwhile is younger than this.
    await utimes(made, began, began);
    for (const name of also) await link(made, join(temporary, basename(name)));
    for (const name of [out, ...also]) await rename(join(temporary, basename(name)), name);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const { size } = await stat(out);
  for (const name of [out, ...also]) console.log(`${name}  ${(size / 2 ** 20).toFixed(1)} MiB`);
}
