/** What comes to a plugin: environment, stdin, results of others, node.json. */
import { capabilitiesOf } from "../../lib/cni/capabilities.ts";
import { delegateAdd } from "../../lib/cni/delegate.ts";
import { formatResult } from "../../lib/cni/format-result.ts";
import { parseResult } from "../../lib/cni/parse-result.ts";
import type { Request } from "../../lib/cni/request.ts";
import { versions } from "../../lib/cni/versions.ts";
import { failures } from "../../lib/errors.ts";
import { collectFaults } from "../../lib/faults.ts";
import { isObject, parseJson } from "../../lib/json.ts";
import { parseNodeConfig } from "../../lib/node-config.ts";
import { nodeConfigOf, parseIpamConfig, parsePluginConfig } from "../../lib/plugin/config.ts";
import { type Ran, run } from "../lib/cni/fake-io.ts";
import type { Random } from "../lib/random.ts";
import { hasStack, type Target } from "./case.ts";
import { damaged, damagedText } from "./mutate-bytes.ts";
import { mutated, mutatedOften, oddTexts, textOf } from "./mutate-json.ts";
import { configuration, environment, nodeJson, results, verbs } from "./samples.ts";

export function someStdin(random: Random): Uint8Array {
  const kept = random.below(2) === 0 ? configuration : { ...configuration, ...plain };
  const bytes = Buffer.from(textOf(mutatedOften(kept, random)));
  return random.below(4) === 0 ? damaged(bytes, random) : bytes;
}

/** Without what two of it would contradict each other. */
const plain = { ipam: { type: "socketplane-ipam" }, args: {}, runtimeConfig: {}, ipRange: null };

export function someEnv(random: Random): Record<string, string> {
  const env: Record<string, string> = { ...environment, CNI_COMMAND: random.one(verbs) };
  if (random.below(2) === 0) env.CNI_ARGS = "";
  for (let times = random.below(3); times > 0; times -= 1) {
    const key = random.one(Object.keys(environment));
    const way = random.below(4);
    if (way === 0) delete env[key];
    else if (way === 1) env[key] = random.one(oddTexts);
    else if (way === 2) env[key] = (env[key] ?? "x").repeat(1 + random.below(3000));
    else env[key] = damagedText(env[key] ?? "x", random);
  }
  return env;
}

const codes = new Set<number>(Object.values(failures).map(({ code }) => code));

/** Throws an Error about an answer that is no plugin's. */
export function assertAnswer(
  { status, stdout }: Pick<Ran, "stdout"> & { readonly status: number | undefined },
  verb: string | undefined,
): void {
  const lines = stdout === "" ? [] : stdout.trimEnd().split("\n");
  const said = lines.length === 1 ? parseJson(lines[0] ?? "") : undefined;
  const faults = [
    [lines.length > 1, "more than one line"],
    [hasStack(stdout) || /\\n\s+at .*[:(]/.test(stdout), "a stack trace"],
    [stdout.length > 100_000, "a very long answer"],
    [lines.length === 1 && !isObject(said), "no JSON object"],
    [isObject(said) && !versions.some((one) => one === said.cniVersion), "no version"],
  ];
  if (status === 0) {
    const speaks = verb === "ADD" || verb === "VERSION";
    faults.push([speaks !== (lines.length === 1), "a success that says too much or too little"]);
  } else {
    const { code, msg } = isObject(said) ? said : {};
    faults.push([status !== 1, `status ${status}`]);
    faults.push([!codes.has(Number(code)) || code === 999, `code ${code}`]);
    faults.push([typeof msg !== "string" || !/^Cannot [a-z]/.test(msg), "a message not as ours"]);
  }
  const found = faults.filter(([is]) => is).map(([, what]) => what);
  if (found.length > 0) throw new Error(`It gave ${found.join(", ")}: ${stdout.slice(0, 3000)}`);
}

/** What the plugins read of the configuration by themselves. */
function readAsPlugins(request: Request): void {
  nodeConfigOf(request.config);
  capabilitiesOf(request.config.raw.runtimeConfig);
  if (request.command === "DEL") return;
  if (request.config.type === "socketplane-ipam") parseIpamConfig(request.config);
  else parsePluginConfig(request.config);
}

const command: Target = {
  name: "command",
  make: (random) => {
    const env = someEnv(random);
    const stdin = someStdin(random);
    return {
      input: { env, stdin: Buffer.from(stdin).toString() },
      act: async () => {
        const honours = ["mac", "ips", "ipRanges", "portMappings", "bandwidth", "dns", "aliases"];
        const ran = await run({ env, stdin, honours, act: readAsPlugins });
        assertAnswer(ran, env.CNI_COMMAND || undefined);
        for (const request of ran.requests) assertUsable(request);
        return ran.status === 0 ? "taken" : "refused";
      },
    };
  },
};

/** What becomes names of files and links is safe as such. */
function assertUsable(request: Request): void {
  if (!("containerId" in request)) return;
  const { containerId, ifname } = request;
  if (/^[a-zA-Z0-9][\w.-]*$/.test(containerId) && /^[^/:\s]{1,15}$/.test(ifname)) return;
  throw new Error(`It took ${JSON.stringify({ containerId, ifname })}`);
}

const result: Target = {
  name: "result",
  make: (random) => {
    const text = textOf(mutated(random.one(results), random));
    const otherwise = random.one(versions);
    return {
      input: { text, otherwise },
      act: () => {
        const faults = collectFaults();
        const parsed = parseResult(parseJson(text), otherwise, faults, "prevResult");
        if (parsed === undefined && !faults.any()) throw new Error("It is refused for no reason");
        if (parsed === undefined || faults.any()) return "refused";
        for (const version of versions) {
          // The oldest have a result with an address, or none.
          if (version < "0.3.0" && parsed.ips.length === 0) continue;
          const said = JSON.parse(formatResult(parsed, version));
          if (said.cniVersion !== version) throw new Error(`It says ${said.cniVersion}`);
        }
        return "taken";
      },
    };
  },
};

const delegate: Target = {
  name: "delegate",
  make: (random) => {
    const whole = random.one([...results, { code: 11, msg: "wait", details: "x" }]);
    const json = textOf(mutated(whole, random));
    const stdout = random.below(3) === 0 ? damagedText(json, random) : json;
    const status = random.below(3);
    return {
      input: { stdout, status },
      act: async () => {
        const ended = { how: "exited", status, stdout, stderr: "" } as const;
        const exec = { isFile: async () => true, run: async () => ended, pause: async () => {} };
        const cniVersion = "1.1.0";
        const ipam = { type: "fake", raw: {} };
        const bytes = new Uint8Array();
        const config = { name: "web", cniVersion, type: undefined, ipam, raw: {}, bytes } as const;
        await delegateAdd(
          { clock: () => 0, writeStderr: () => {}, exec },
          { config, env: { CNI_PATH: "/a" } },
          { left: () => 1 },
        );
      },
    };
  },
};

const machine: Target = {
  name: "node.json",
  make: (random) => {
    const file = { type: "file", path: "/var/lib/socketplane" };
    const good = random.one([nodeJson, { ...nodeJson, store: file, vtep: { address: "::1" } }]);
    const json = textOf(mutatedOften(good, random));
    const text = random.below(4) === 0 ? damagedText(json, random) : json;
    return { input: text, act: () => void parseNodeConfig(text, "/etc/socketplane/node.json") };
  },
};

export const cniTargets: readonly Target[] = [command, result, delegate, machine];
