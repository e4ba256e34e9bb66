#!/usr/bin/env node
/**
 * Makes the executables, one file under two names each (a hard link: the executable looks at the
 * name it was called by):
 *
 *   npm run build                      dist/bin/socketplane, socketplane-ipam    Bun in it
 *   npm run build -- --runtime node    dist/node/socketplane, socketplane-ipam   Node in it, by pkg
 *   npm run build -- --arch arm64      dist/arm64/bin/, or with --runtime node dist/arm64/node/
 *
 * Runs under any Node from 20 on; the making is done in a process of the runtime itself, from
 * node_modules, that runs this same file. Bun's own splitting is what makes the short-lived commands
 * start fast: what stands behind a dynamic import() is in the file, but is not read. Node has one
 * CommonJS file, the only kind that it keeps compiled: *measured*, VERSION takes 1.2 times an empty
 * executable, against 2.1 without that, 1.8 as an ES module with it and 1.2 from a snapshot.
 *
 * Every file appears by rename(2), never half-written: a runtime may be starting the old one
 * ("text file busy"), and two builds may run at once.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import {
  link,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Script } from "node:vm";

const top = dirname(fileURLToPath(import.meta.url));
const usage = "usage: npm run build [-- [--runtime bun|node] [--arch x64|arm64] [--if-needed]]";

/** By runtime what is made, from what, and under which other names. */
const executables = {
  bun: [
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
  ],
  node: [
    {
      out: "dist/node/socketplane",
      entry: "cmd/node.ts",
      main: "cmd/main.ts",
      // All in one file, for pkg's own command line: package.json's "bin" and "pkg".
      bundle: "dist/node/socketplane.cjs",
      also: ["dist/node/socketplane-ipam"],
    },
    { out: "dist/bench/empty-node", entry: "test/bench/empty.ts", also: [] },
  ],
};

/** What Bun's executable loads on demand, each bundled by itself: package.json's "imports". */
const parts = ["#main", "#command", "#status"];
/** Its source is changed on its way into an executable. */
const protocolReader = /\/lib\/store\/etcd-proto\.ts$/;

process.chdir(top);
const [making, arch] = (process.env.SOCKETPLANE_BUILD ?? "").split(" ");
if (arch === undefined) process.exitCode = build(process.argv.slice(2));
else {
  await sweep();
  const compile = { bun: compileByBun, node: compileByPkg }[making];
  const program = arch === process.arch ? undefined : await runtimeFor(arch);
  for (const executable of executablesFor(making, arch)) {
    await make({ ...executable, program }, compile);
  }
}

/** Reads the arguments and goes on under the runtime. Gives the exit status. */
function build(args) {
  const options = {
    runtime: { type: "string", default: "bun" },
    arch: { type: "string", default: process.arch },
    "if-needed": { type: "boolean", default: false },
  };
  let values;
  try {
    values = parseArgs({ args, options }).values;
  } catch (error) {
    return fail(`Cannot build: ${error.message}\n${usage}`);
  }
  const { runtime } = values;
  if (!Object.hasOwn(executables, runtime)) {
    const known = '"bun" and "node" are supported';
    return fail(`Cannot build for runtime "${runtime}": ${known}\n${usage}`);
  }
  const { arch } = values;
  if (arch !== "x64" && arch !== "arm64") {
    return fail(`Cannot build for machines of kind "${arch}": give x64 or arm64\n${usage}`);
  }
  if (values["if-needed"] && isFresh(executablesFor(runtime, arch))) return 0;
  const program = join(top, "node_modules/.bin", runtime);
  if (!existsSync(program))
    return fail(`Cannot build: ${program} is not there: run "npm ci" first`);
  // Nothing of the caller's surroundings has a say: no BUN_OPTIONS, no NODE_OPTIONS, no .env.
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    SOCKETPLANE_BUILD: `${runtime} ${arch}`,
  };
  // node:ffi says at each start that it is new.
  const flags = runtime === "bun" ? ["--no-env-file"] : ["--no-warnings"];
  const self = fileURLToPath(import.meta.url);
  return spawnSync(program, [...flags, self], { env, stdio: "inherit" }).status ?? 1;
}

/** Of other machines' there is no benchmark. */
function executablesFor(runtime, arch) {
  if (arch === process.arch) return executables[runtime];
  const there = (path) => path.replace("dist/", `dist/${arch}/`);
  return executables[runtime]
    .filter(({ out }) => !out.startsWith("dist/bench/"))
    .map(({ out, also, bundle, ...source }) => ({
      ...source,
      out: there(out),
      also: also.map(there),
    }));
}

function fail(message) {
  console.error(message);
  return 1;
}

/** True if every executable is there and younger than all it is made of. */
function isFresh(executables) {
  const made = executables.flatMap(({ out, also }) => [out, ...also]);
  if (!made.every((path) => existsSync(path))) return false;
  const age = (path) => statSync(path).mtimeMs;
  const oldest = Math.min(...made.map(age));
  return sources(executables).every((path) => age(path) < oldest);
}

/** Files, and folders too: a removed file shows in its folder's time. */
function sources(executables) {
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

/**
 * Bundles each of the parts by itself: what two of them need is in both, and of the rest a part has
 * nothing. *Measured*: STATUS takes 5 % less time so than with what they share in chunks of its own.
 */
function partsByThemselves() {
  const { imports } = JSON.parse(readFileSync("package.json", "utf8"));
  const target = (name) => join(top, imports[name].bun ?? imports[name]);
  return {
    name: "parts",
    setup: (bundle) => {
      // A module is known by its path: with the part's name behind it, it is one of its own.
      bundle.onResolve({ filter: /^(\.{1,2}\/|#)/ }, ({ path, importer }) => {
        if (parts.includes(path)) return { path: `${target(path)}?${path}` };
        const [from, part] = importer.split("?");
        if (part === undefined) return undefined;
        const found = path.startsWith("#") ? target(path) : resolve(dirname(from), path);
        return found.endsWith(".ts") ? { path: `${found}?${part}` } : undefined;
      });
      bundle.onLoad({ filter: /\.ts\?#[a-z]+$/ }, ({ path }) => {
        const [file] = path.split("?");
        return { contents: sourceOf(file), loader: "ts" };
      });
    },
  };
}

/** Puts etcd's protocol into the executable, in the place of what reads it from etcd3's folder. */
function etcdProtocol() {
  return {
    name: "etcd-protocol",
    setup: (bundle) => {
      bundle.onLoad({ filter: protocolReader }, ({ path }) => ({
        contents: sourceOf(path),
        loader: "ts",
        resolveDir: dirname(path),
      }));
    },
  };
}

function sourceOf(path) {
  const source = readFileSync(path, "utf8");
  if (!protocolReader.test(path)) return source;
  const reading = "new protobuf.Root().loadSync(protocolPath(), { keepCase: true })";
  if (!source.includes(reading)) {
    throw new Error(`Cannot embed etcd's protocol: ${path} reads it in another way`);
  }
  return source.replace(
    reading,
    () => `protobuf.Root.fromJSON(${JSON.stringify(parsedProtocol())})`,
  );
}

function parsedProtocol() {
  const require = createRequire(import.meta.url);
  const { Root } = require("protobufjs");
  return new Root().loadSync(require.resolve("etcd3/proto/rpc.proto"), { keepCase: true }).toJSON();
}

/** Makes one executable; its file in dist/meta tells which module went where. */
async function make({ out, also, ...source }, compile) {
  await mkdir(dirname(out), { recursive: true });
  const temporary = await mkdtemp(`dist/.build-${process.pid}-`);
  const made = join(temporary, basename(out));
  const began = new Date();
  try {
    const metafile = await compile(source, made);
    const meta = out.replace("dist/", "dist/meta/");
    await mkdir(dirname(meta), { recursive: true });
    await writeFile(`${made}.json`, JSON.stringify(metafile, null, 1));
    await rename(`${made}.json`, `${meta}.json`);
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

/** The runtime that runs this, for machines of another kind: npm's registry has a package of each. */
async function runtimeFor(arch) {
  const version = process.versions[making];
  const name =
    making === "bun" ? `@oven/bun-linux-${arch.replace("arm64", "aarch64")}` : `node-linux-${arch}`;
  const folder = join(top, `dist/runtimes/${making}-${version}-${arch}`);
  const program = join(folder, "package/bin", making);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const run = (command, ...args) => {
    const { status } = spawnSync(command, args, {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (status !== 0) throw new Error(`Cannot get ${name}@${version}: ${command} failed`);
  };
  run("npm", "pack", "--silent", `${name}@${version}`);
  const [archive] = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  run("tar", "-xzf", archive, `package/bin/${making}`);
  await rm(join(folder, archive));
  return program;
}

async function compileByBun({ entry, jitPolicy, program }, outfile) {
  const { metafile } = await globalThis.Bun.build({
    entrypoints: [entry],
    target: "bun",
    format: "esm",
    splitting: true,
    minify: true,
    bytecode: true,
    metafile: true,
    plugins: [partsByThemselves()],
    compile: {
      outfile,
      ...(jitPolicy !== undefined && { jitPolicy }),
      ...(program !== undefined && { target: `bun-linux-${arch}`, executablePath: program }),
      // Root runs these in any directory: what lies there must have no say.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  return metafile;
}

/**
 * esbuild bundles, and pkg puts the bundle into a copy of the Node that runs this; with `main`, what
 * the entry loads on demand, as an asset of its own.
 */
async function compileByPkg({ entry, main, bundle, program }, outfile) {
  if (bundle !== undefined) await bundleByEsbuild(entry, bundle, { "#main-node": join(top, main) });
  const metafile = await bundleByEsbuild(entry, `${outfile}.cjs`);
  const assets =
    main === undefined ? {} : await compiledAsset(main, outfile, program === undefined);
  await bake({ bundle: `${outfile}.cjs`, assets, program, outfile });
  return metafile;
}

async function bundleByEsbuild(entry, outfile, alias = {}) {
  const { build } = await import("esbuild");
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    alias,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: `node${process.versions.node}`,
    // What is imported on demand is in the file too, and run when it is asked for.
    supported: { "dynamic-import": false },
    // Packages that come as ES modules look around by it; nothing of theirs is beside the file.
    define: { "import.meta.url": '"file:///"' },
    minify: true,
    metafile: true,
    plugins: [etcdProtocol(), packageVersion()],
  });
  return metafile;
}

/** A module as cmd/main-node.ts runs it, and what V8 makes of it, that which runs at once included. */
async function compiledAsset(entry, outfile, hasCache) {
  const [code, cache] = [`${outfile}.main.cjs`, `${outfile}.main.cache`];
  await bundleByEsbuild(entry, code);
  const wrapped = `(function(module,exports,require){${await readFile(code, "utf8")}\n})`;
  await writeFile(code, wrapped);
  if (!hasCache) return { "main.cjs": resolve(code) };
  const script = new Script(wrapped, { filename: "socketplane" });
  const module = { exports: {} };
  script.runInThisContext()(module, module.exports, createRequire(import.meta.url));
  await writeFile(cache, script.createCachedData());
  return { "main.cjs": resolve(code), "main.cache": resolve(cache) };
}

/** package.json has one export by the standard, the whole of it; Bun takes its keys for exports. */
function packageVersion() {
  return {
    name: "package-version",
    setup: (bundle) => {
      bundle.onLoad({ filter: /\/package\.json$/ }, ({ path }) => {
        if (path !== join(top, "package.json")) return undefined;
        const { version } = JSON.parse(readFileSync(path, "utf8"));
        return { contents: `export const version = ${JSON.stringify(version)};`, loader: "js" };
      });
    },
  };
}

/**
 * pkg's own mode for Node's single executables, called by its function: the command line has no
 * word for "the Node that is here". It calls npx for postject, which would ask the registry, and
 * goes on when that fails: so npx is ours, and what came out is looked at.
 */
async function bake({ bundle, assets, program, outfile }) {
  const require = createRequire(import.meta.url);
  const { default: sea } = require("@yao-pkg/pkg/lib-es5/sea.js");
  const folder = dirname(resolve(outfile));
  const postject = require.resolve("postject/dist/cli.js");
  const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${postject}' "$@"\n`;
  await writeFile(join(folder, "npx"), npx, { mode: 0o755 });
  await symlink(process.execPath, join(folder, "node"));
  process.env.PATH = `${folder}:${process.env.PATH}`;
  const target = { nodeRange: "node26", platform: "linux", arch };
  await sea(bundle, {
    targets: [{ ...target, output: resolve(outfile) }],
    nodePath: program ?? process.execPath,
    seaConfig: {
      disableExperimentalSEAWarning: true,
      // V8 takes back only what it has made on a machine of the same kind.
      useCodeCache: program === undefined,
      assets,
      // node:ffi says at each start that it is new. SIGUSR1 would open Node's debugger, on a port
      // that every user of the machine reaches. Nobody's environment adds to these.
      execArgv: ["--disable-warning=ExperimentalWarning", "--disable-sigusr1"],
      execArgvExtension: "none",
    },
  });
  const text = await readFile(outfile);
  const marked = text.includes("NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1");
  if (!marked || !text.includes(await readFile(bundle))) {
    throw new Error(`Cannot build ${outfile}: pkg has not put the program into it`);
  }
}
