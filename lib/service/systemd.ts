/** Services as systemd's units. See services.ts for the folder's note. */
import { Failure } from "../errors.ts";
import { howEnded } from "../sys/background.ts";
import { type ServiceName, type Services, unitOf } from "./services.ts";
import { parseUnit, properties } from "./unit-state.ts";
import type { ServiceWorld } from "./world.ts";

/** Milliseconds: longer than systemd itself waits for a unit (TimeoutStartSec). */
const patienceMs = 120_000;

/** How many of its last lines are told of a unit that does not start. */
const told = 15;

export function openSystemd(world: ServiceWorld): Services {
  const systemctl = (...args: readonly string[]) => control(world, args);
  const status: Services["status"] = async (name) => {
    const { lines } = await systemctl("show", `--property=${properties.join(",")}`, unitOf(name));
    const since = (pid: number) => {
      const process = world.processes.find(pid);
      return process && world.processes.since(process);
    };
    return parseUnit(name, lines, since);
  };
  const logs: Services["logs"] = async (name, { lines, follow }, onLine, signal) => {
    const journalctl = programAt(world, "journalctl");
    const args = ["--unit", unitOf(name), "--output", "cat", "--quiet", "--lines", `${lines}`];
    const end = await world.runLines(
      journalctl,
      follow ? [...args, "--follow"] : args,
      onLine,
      signal,
    );
    if (end.status === 0 || signal.aborted) return;
    const state = `journalctl ended by ${howEnded(end)}`;
    throw new Failure("io", `Cannot read the log of ${unitOf(name)}: ${state}`);
  };
  const must = async (verb: string, name: ServiceName) => {
    const { isDone, lines } = await systemctl(verb, unitOf(name));
    if (isDone) return;
    const last: string[] = [];
    const request = { lines: told, follow: false };
    // Its own last words say more than systemd's; without them, systemd's have to do.
    if (verb !== "stop") {
      await logs(
        name,
        request,
        (line) => void last.push(line),
        AbortSignal.timeout(patienceMs),
      ).catch(() => {});
    }
    throw new Failure("io", `Cannot ${verb} ${unitOf(name)}: ${lines[0] ?? "systemctl failed"}`, {
      details: [...lines.slice(1), ...last].join("\n"),
    });
  };
  const isUp = async (name: ServiceName): Promise<boolean> => {
    const { state } = await status(name);
    if (state !== "absent") return state === "running" || state === "starting";
    throw new Failure("io", `Cannot find unit ${unitOf(name)}: systemd has none`, {
      details: "Have it written: socketplane install",
    });
  };
  return {
    kind: "systemd",
    start: async (name) => {
      if ((await isUp(name)) && (await status(name)).state === "running") return false;
      await must("start", name);
      return true;
    },
    stop: async (name) => {
      if (!(await isUp(name))) return false;
      await must("stop", name);
      return true;
    },
    restart: async (name) => {
      await isUp(name);
      await must("restart", name);
    },
    enable: (name) => must("enable", name),
    disable: (name) => must("disable", name),
    status,
    logs,
  };
}

/** Has systemd read its units anew. */
export async function reloadUnits(world: ServiceWorld): Promise<void> {
  const { isDone, lines } = await control(world, ["daemon-reload"]);
  if (!isDone) throw new Failure("io", `Cannot reload systemd's units: ${lines.join("; ")}`);
}

async function control(world: ServiceWorld, args: readonly string[]) {
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  const signal = AbortSignal.timeout(patienceMs);
  const end = await world.runLines(programAt(world, "systemctl"), args, onLine, signal);
  return { isDone: end.status === 0, lines };
}

function programAt(world: ServiceWorld, name: "systemctl" | "journalctl"): string {
  const path = world.systemd[name].find(world.isThere);
  if (path !== undefined) return path;
  throw new Failure(
    "io",
    `Cannot find ${name}: it is at none of ${world.systemd[name].join(", ")}`,
    {
      details: `systemd runs here (${world.systemd.running} is there), and is asked by ${name}.`,
    },
  );
}
