/** `socketplane run` and `exec`: a command on a network, with no container engine. */
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import { nearest } from "../faults.ts";
import { listNetworks } from "../ipam/networks.ts";
import { enter } from "../run/enter.ts";
import { NotStarted } from "../run/not-started.ts";
import type { RunRecord } from "../run/record.ts";
import { supervise } from "../run/supervise.ts";
import { type Common, command, type Option } from "./command.ts";
import { loopbackWarning } from "./loopback-dns.ts";
import { onNode } from "./on-node.ts";
import { formatFailure, show, withThose } from "./output.ts";
import { runColumns, runOptional, shownRun } from "./run-shown.ts";
import { toolsOf } from "./run-tools.ts";
import { environmentOf, wishOf } from "./run-wish.ts";
import type { CliWorld } from "./world.ts";

/** As env(1), podman and docker have it: those of the command are its own. */
const notRun = 125;

/** In the environment of the process that watches over a run in the background. */
const watching = "SOCKETPLANE_RUN_WATCHES";

const streams = {
  interactive: { type: "flag", alias: "i", describe: "Nothing: it has your standard input anyway" },
  tty: { type: "flag", alias: "t", describe: "Nothing: your terminal is the command's anyway" },
  env: {
    type: "list",
    alias: "e",
    value: "NAME=VALUE",
    describe: "Set this in its environment, which is else your own",
  },
} as const satisfies Record<string, Option>;

const about = [
  "Run a command in a network namespace of its own, on one of our networks: an address, a gateway, ",
  "and a way to the world, as a container has it, with no container engine. Its files, processes and ",
  "DNS are this machine's; a DNS server that /etc/resolv.conf has at a loopback address, as ",
  "systemd-resolved's, is not reached from there: name another one.\n\n",
  "It is in the foreground, with your terminal, signals and all; its exit status is the command's, ",
  "or 128 and the signal's number, 127 where there is no such program, 126 where it can't be run, ",
  "125 where there is no network for it. At its end all of it is gone, also what it left running.",
].join("");

export const runCommand = command({
  name: "run",
  describe: "Run a command on a network",
  about,
  arguments: { command: { describe: "The command and its arguments", rest: true } },
  options: {
    network: {
      type: "list",
      alias: "n",
      value: "NETWORK",
      describe: "Its network; with a second one, eth1 is on that [default: default]",
      completes: "network",
    },
    name: {
      type: "text",
      value: "NAME",
      describe: "Its name [default: the command's and a number]",
    },
    ip: { type: "list", value: "ADDRESS", describe: "Its address there" },
    mac: { type: "list", value: "MAC", describe: "Its MAC there" },
    detach: {
      type: "flag",
      alias: "d",
      describe: "In the background: print its name; see socketplane logs",
    },
    rm: { type: "flag", describe: "With -d: forget it when it has ended" },
    ...streams,
    interactive: {
      ...streams.interactive,
      describe: "Keep its standard input open, also with -d",
    },
  },
  examples: [
    ["socketplane run -n web -- python3 -m http.server 80", "A server on network web"],
    ["socketplane run -n web ping -c 3 10.2.0.3", "Ask another one there"],
    ["socketplane run -it bash", "A shell on network default"],
    ["socketplane run -d --name db -n web --ip 10.2.0.9 postgres", "In the background"],
    ["socketplane run -n web -n db -- ip address", "On two networks"],
  ],
  run: (world, args) =>
    passingOn(world, async () => {
      const wish = wishOf(args, environmentWith(world, args.env));
      if (args.detach && !world.env[watching]) return startWatching(world);
      return onNode(world, args, async (host, deadline) => {
        const tools = toolsOf(world, args);
        const onStarted = (run: RunRecord) => {
          const warning = loopbackWarning(world.readFile("/etc/resolv.conf") ?? "");
          if (warning !== undefined) world.terminal.stderr(warning);
          if (!args.detach) return;
          tell(world, args, host, run);
          world.programs.letGo();
        };
        try {
          const { status, fault } = await supervise(host, tools, wish, onStarted);
          if (fault !== undefined) world.terminal.stderr(formatFailure(asFailure(fault)));
          return status;
        } catch (fault) {
          throw await explained(
            host,
            wish.networks.map(({ network }) => network),
            fault,
            deadline,
          );
        }
      });
    }),
});

export const execCommand = command({
  name: "exec",
  describe: "Run a further command in a run's network namespace",
  about: "Run a further command where a run's is. Its exit status is the command's, as with run.",
  arguments: {
    name: { describe: "The run's name", completes: "run" },
    command: { describe: "The command and its arguments", rest: true },
  },
  options: streams,
  examples: [
    ["socketplane exec web-1 ip address", "Look at its interfaces"],
    ["socketplane exec -it web-1 bash", "A shell beside it"],
  ],
  run: (world, args) =>
    passingOn(world, () =>
      onNode(world, args, (host) => {
        const program = { argv: args.command, env: environmentWith(world, args.env) };
        return enter(host, toolsOf(world, args), args.name, program);
      }),
    ),
});

/** What comes of the command is its exit status; what is ours must not be taken for it. */
async function passingOn(world: CliWorld, act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (thrown) {
    const failure = asFailure(thrown);
    if (failure.kind === "usage") throw failure;
    world.terminal.stderr(formatFailure(failure));
    return failure instanceof NotStarted ? failure.status : notRun;
  }
}

const environmentWith = ({ env }: CliWorld, given: readonly string[]) =>
  environmentOf({ ...env, [watching]: undefined }, given);

/** The run goes on without us; what went wrong has been said by who tried. */
async function startWatching({ programs, terminal }: CliWorld): Promise<number> {
  const { said, status } = await programs.startAgain({ [watching]: "yes" });
  terminal.stdout(said);
  return status ?? 0;
}

/** The name alone, for scripts, unless more is asked for. */
function tell(
  { terminal, wallClock }: CliWorld,
  { output }: Common,
  host: Host,
  run: RunRecord,
): void {
  if (output === undefined) terminal.stdout(`${run.name}\n`);
  else {
    const shown = shownRun(host, run, "running", wallClock());
    show(terminal, output, shown, withThose(runColumns, runOptional, [shown]));
  }
}

/** Says which networks there are where one is not. */
async function explained(
  host: Host,
  networks: readonly string[],
  fault: unknown,
  deadline: Deadline,
): Promise<unknown> {
  if (!(fault instanceof Failure) || fault.kind !== "network-unknown") return fault;
  const names = await namesOfNetworks(host, deadline);
  const missing = names && networks.find((one) => !names.includes(one));
  if (names === undefined || missing === undefined) return fault;
  const near = nearest(missing, names);
  const create = `Create it: socketplane network create ${missing}`;
  const details = [
    ...(near === undefined ? [] : [`Did you mean "${near}"?`]),
    missing === "default"
      ? `${create}; or make this machine the first of a cluster: socketplane cluster init`
      : `${create} [SUBNET]`,
    ...(names.length === 0 ? [] : [`There are: ${names.join(", ")}`]),
  ];
  return new Failure(fault.kind, fault.message, { details: details.join("\n"), cause: fault });
}

/** Undefined where the store does not answer: what went wrong is known without it. */
async function namesOfNetworks(
  host: Host,
  deadline: Deadline,
): Promise<readonly string[] | undefined> {
  try {
    const there = await listNetworks(await host.ipam.registry(), deadline);
    return there.map(({ network }) => network.name);
  } catch {
    return undefined;
  }
}
