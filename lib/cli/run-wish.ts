/** What a command line asks of a run: pure. See main.ts for the folder's note. */
import { Failure } from "../errors.ts";
import { collectFaults, type Faults } from "../faults.ts";
import { parseNetworkName } from "../ipam/network.ts";
import { parseIp4 } from "../net/ip4.ts";
import { parseMac } from "../net/mac.ts";
import { nameFault } from "../run/name.ts";
import type { Wanted } from "../run/request.ts";
import type { Wish } from "../run/supervise.ts";

const defaultNetwork = "default";

export interface RunArgs {
  readonly command: readonly string[];
  readonly network: readonly string[];
  readonly name: string | undefined;
  readonly ip: readonly string[];
  readonly mac: readonly string[];
  readonly detach: boolean;
  readonly interactive: boolean;
  readonly rm: boolean;
}

/** Throws Failure "usage" that names all that is wrong. */
export function wishOf(args: RunArgs, env: Wish["env"]): Wish {
  const faults = collectFaults();
  const fault = args.name === undefined ? undefined : nameFault(args.name);
  if (fault !== undefined) faults.add(`--name ${JSON.stringify(args.name)}: ${fault}`);
  const networks = networksOf(args, faults);
  faults.settle("usage", "Cannot understand the command line");
  return {
    name: args.name,
    argv: args.command,
    env,
    networks,
    detached: args.detach,
    stdin: args.interactive ? "kept open" : "empty",
    kept: args.detach && !args.rm,
  };
}

function networksOf({ network, ip, mac }: RunArgs, faults: Faults): readonly Wanted[] {
  const names = network.length === 0 ? [defaultNetwork] : network;
  for (const [index, name] of names.entries()) {
    if (parseNetworkName(name) === undefined) {
      faults.add(`--network must be a network's name, not ${JSON.stringify(name)}`);
    }
    if (names.indexOf(name) < index) faults.add(`--network ${name} is given twice`);
  }
  const read = <T>(option: string, texts: readonly string[], kind: string, parse: Parse<T>) => {
    if (texts.length > names.length) {
      faults.add(`--${option} is given ${texts.length} times, for ${names.length} interfaces`);
    }
    return texts.map((text) => {
      const value = parse(text);
      if (value === undefined)
        faults.add(`--${option} must be ${kind}, not ${JSON.stringify(text)}`);
      return value;
    });
  };
  const addresses = read("ip", ip, "an IPv4 address, from which IPv6's follows", parseIp4);
  const macs = read("mac", mac, "a MAC", parseMac);
  return names.map((name, index) => ({
    network: name,
    address: addresses[index],
    mac: macs[index],
  }));
}

type Parse<T> = (text: string) => T | undefined;

/** `given` is NAME=VALUE; a name alone is what it is in ours. Throws Failure "usage". */
export function environmentOf(own: Wish["env"], given: readonly string[]): Wish["env"] {
  const entries = given.map((text): readonly [string, string | undefined] => {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    if (name === "") {
      throw new Failure("usage", `Cannot set "${text}" in the environment: it has no name`);
    }
    return [name, at < 0 ? own[name] : text.slice(at + 1)];
  });
  return { ...own, ...Object.fromEntries(entries) };
}
