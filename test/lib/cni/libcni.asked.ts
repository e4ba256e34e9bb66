/**
 * Our conversion of results against that of libcni itself, where it is asked for (`npm test` takes
 * this file in with the first of these in its environment):
 * SOCKETPLANE_LIBCNI=/usr/share/gocode (Debian: golang-go, golang-github-appc-cni-dev) is the
 * GOPATH that has it. SOCKETPLANE_LIBCNI_VERSION is the newest version that it knows, 1.0.0 in
 * Debian 12.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatResult } from "../../../lib/cni/format-result.ts";
import { parseResult } from "../../../lib/cni/parse-result.ts";
import { asVersion, isAtLeast, newest, type Version, versions } from "../../../lib/cni/versions.ts";
import { asFailure } from "../../../lib/errors.ts";
import { collectFaults } from "../../../lib/faults.ts";
import { type Random, seeded } from "../random.ts";

const gopath = process.env.SOCKETPLANE_LIBCNI;
const known = asVersion(process.env.SOCKETPLANE_LIBCNI_VERSION) ?? "1.0.0";
const rounds = 500;

type Json = Record<string, unknown>;

function someResult(random: Random, cniVersion: Version): Json {
  const some = <T>(make: () => T): T[] => Array.from({ length: random.below(3) }, make);
  const maybe = <T>(value: T) => (random.below(2) === 0 ? undefined : value);
  const octet = () => random.below(256);
  const ip4 = () => `10.${octet()}.${octet()}.${octet()}`;
  const ip6 = () =>
    `fd00:${random.one(["", "0:", "1:"])}${random.one([":", "0::"])}${octet()}`.replace(
      ":::",
      "::",
    );
  const is4 = () => random.below(2) === 0;
  const route = (four = is4()): Json => ({
    dst: four ? random.one(["0.0.0.0/0", "10.0.0.0/8"]) : random.one(["::/0", "fd00:1::/32"]),
    gw: maybe(four ? ip4() : ip6()),
    ...(isAtLeast(cniVersion, "0.3.0") && known === newest && random.below(2) === 0
      ? { mtu: octet(), advmss: octet(), priority: octet(), table: octet(), scope: random.below(2) }
      : {}),
  });
  const dns = {
    nameservers: maybe(some(ip4)),
    domain: maybe(random.one(["", "a.example"])),
    search: maybe(["b.example"]),
    options: maybe(["ndots:5"]),
  };
  if (!isAtLeast(cniVersion, "0.3.0")) {
    const family = (four: boolean) => ({
      ip: four ? `${ip4()}/16` : `${ip6()}/64`,
      gateway: maybe(four ? ip4() : ip6()),
      routes: maybe(some(() => route(four))),
    });
    // Without an address libcni takes one in these words, but makes none.
    const families = random.one([[true], [false], [true, false]]);
    const said = families.map((four) => [four ? "ip4" : "ip6", family(four)]);
    return { cniVersion, ...Object.fromEntries(said), dns };
  }
  const ips = some(() => {
    const four = is4();
    return {
      version: isAtLeast(cniVersion, "1.0.0") ? undefined : four ? "4" : "6",
      address: four ? `${ip4()}/16` : `${ip6()}/64`,
      gateway: maybe(four ? ip4() : ip6()),
      interface: maybe(random.below(3)),
    };
  });
  const interfaces = some(() => ({
    name: random.one(["eth0", "lo"]),
    mac: maybe("02:42:0a:02:00:02"),
    sandbox: maybe("/run/netns/a"),
    ...(known === newest && isAtLeast(cniVersion, "1.0.0")
      ? { mtu: maybe(octet()), socketPath: maybe("/run/x"), pciID: maybe("0000:04:00.5") }
      : {}),
  }));
  return { cniVersion, interfaces, ips, routes: maybe(some(() => route())), dns };
}

function ours(result: Json, to: Version): Json {
  const faults = collectFaults();
  const parsed = parseResult(result, "0.1.0", faults, "result");
  if (parsed === undefined || faults.any()) return { error: faults.list().join() };
  try {
    return JSON.parse(formatResult(parsed, to));
  } catch (error) {
    return { error: asFailure(error).message };
  }
}

/** libcni leaves an empty dns in results before 1.0.0. */
function theirs(line: string): Json {
  const { dns, ...rest } = JSON.parse(line);
  return Object.keys(dns ?? {}).length === 0 ? rest : { ...rest, dns };
}

function run(program: string, args: string[], stdin: string): Promise<string> {
  const env = { ...process.env, GOPATH: gopath, GO111MODULE: "off", CGO_ENABLED: "0" };
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stdin.end(stdin);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (status) =>
      status === 0 ? done(stdout) : fail(new Error(`${program}: exit status ${status}`)),
    );
  });
}

test(`libcni converts ${rounds} results of every version to every version as we do`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "libcni-"));
  try {
    const converter = join(folder, "convert");
    const source = fileURLToPath(new URL("libcni.go", import.meta.url));
    await run("go", ["build", "-o", converter, source], "");
    const spoken = versions.filter((version) => isAtLeast(known, version));
    const questions = Array.from({ length: rounds }, (_, seed) => {
      const random = seeded(seed);
      const result = JSON.parse(JSON.stringify(someResult(random, random.one(spoken))));
      return { result, to: random.one(spoken) };
    });
    const text = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
    const answers = (await run(converter, [], text)).trimEnd().split("\n");
    let errors = 0;
    for (const [index, { result, to }] of questions.entries()) {
      const context = JSON.stringify({ result, to });
      const [mine, other] = [ours(result, to), theirs(answers[index] ?? "")];
      expect("error" in mine, `${context}: ${mine.error} / ${other.error}`).toBe("error" in other);
      if ("error" in mine) errors += 1;
      else expect(mine, context).toEqual(other);
    }
    expect(errors).toBeLessThan(rounds / 2);
  } finally {
    await rm(folder, { recursive: true });
  }
});
