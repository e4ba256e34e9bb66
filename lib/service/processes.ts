/** Services as processes of our own, where there is no systemd. See services.ts for the folder's note. */
import { type Deadline, deadlineIn } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { howEnded, isSameProcess, type ProvenProcess } from "../sys/background.ts";
import { isFromEtcd } from "./etcd-line.ts";
import { parseProcess, processFile } from "./process-file.ts";
import type { ServiceName, ServiceStatus, Services } from "./services.ts";
import type { Configured, ServiceWorld } from "./world.ts";

/** Milliseconds: until it is ready; until it has ended by itself (as the unit has it), and by force. */
const patience = { ready: 20_000, end: 10_000, killed: 5_000 } as const;
const lookMs = 20;

/** How many of its last lines are told of an agent that does not start. */
const told = 15;

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function openProcesses(world: ServiceWorld, configured: Configured): Services {
  const { runDir, agent } = configured.config;
  const { logFile } = agent;
  const { processes, logFiles, clock, pause } = world;

  const recorded = (name: ServiceName): ProvenProcess | undefined => {
    const text = world.readFile(`${runDir}/${processFile(name)}`);
    return text === undefined ? undefined : parseProcess(text);
  };
  const isAlive = (one: ProvenProcess) => isSameProcess(one, processes.find(one.pid));
  const running = (name: ServiceName): ProvenProcess | undefined => {
    const found = recorded(name);
    // The agent names its executable; without one, a file could pass off anybody's process as it.
    const isProven = name === "etcd" || found?.program !== undefined;
    return found !== undefined && isProven && isAlive(found) ? found : undefined;
  };
  const until = async (deadline: Deadline, isSo: () => boolean): Promise<boolean> => {
    while (!isSo()) {
      if (deadline.left() === 0) return false;
      await pause(lookMs);
    }
    return true;
  };

  /** One at a time: the second sees what the first has started. */
  const startAgent = async (): Promise<boolean> => {
    const dir = world.makeDir(runDir);
    try {
      const unlock = dir.lock("start.lock", "exclusive", deadlineIn(clock, 2 * patience.ready));
      try {
        return await startAlone(dir);
      } finally {
        unlock();
      }
    } finally {
      dir.close();
    }
  };

  const startAlone = async (dir: Dir): Promise<boolean> => {
    if (running("agent") !== undefined) return false;
    const before = logFiles.size(logFile);
    const { pid, ended, letGo } = processes.startAgain(
      agentArgs(configured),
      environmentOf(world, configured),
      logFile,
    );
    let end: string | undefined;
    void ended.then((how) => {
      end = howEnded(how);
    });
    const isReady = () => running("agent")?.pid === pid;
    await until(deadlineIn(clock, patience.ready), () => isReady() || end !== undefined);
    letGo();
    if (isReady()) return true;
    // Somebody has started one by hand at the same time, or was killed while it waited for its own:
    // one that is starting has the lock, and is written down when its etcd answers.
    const another = () => running("agent") !== undefined;
    if (end !== undefined) {
      await until(deadlineIn(clock, patience.ready), () => another() || !isLocked(dir));
      if (another()) return false;
    }
    const lines = logFiles.after(logFile, before).slice(-told);
    const state =
      end === undefined
        ? `it runs (process ${pid}), and is not ready after ${patience.ready / 1000} seconds`
        : `it ended at once (${end})`;
    throw new Failure("io", `Cannot start the agent: ${state}`, {
      details: [...lines, `Its log: ${logFile}`].join("\n"),
    });
  };

  const stopAgent = async (): Promise<boolean> => {
    const found = running("agent");
    if (found === undefined) return false;
    const isGone = () => !isAlive(found);
    processes.send(found, "SIGTERM");
    if (await until(deadlineIn(clock, patience.end), isGone)) return true;
    processes.send(found, "SIGKILL");
    if (await until(deadlineIn(clock, patience.killed), isGone)) return true;
    throw new Failure("io", `Cannot stop the agent: process ${found.pid} does not end`, {
      details: "It waits in the kernel (see ps): the kernel's log may say for what.",
    });
  };

  const startEtcd = async (): Promise<boolean> => {
    if (running("etcd") !== undefined) return false;
    await stopAgent();
    await startAgent();
    if (running("etcd") !== undefined) return true;
    throw new Failure("io", "Cannot start etcd: the agent runs, and has started none", {
      details: `node.json names one by "etcd", or it ended at once: see ${logFile}.`,
    });
  };

  return {
    kind: "processes",
    start: (name) => (name === "agent" ? startAgent() : startEtcd()),
    stop: async (name) => running(name) !== undefined && stopAgent(),
    restart: async () => {
      await stopAgent();
      await startAgent();
    },
    enable: async () => {},
    disable: async () => {},
    status: async (name) => statusOf(name, recorded(name), running(name), processes.since),
    logs: (name, request, onLine, signal) => {
      const wanted = name === "etcd" ? isFromEtcd : () => true;
      return logFiles.read(logFile, { ...request, wanted }, onLine, signal);
    },
  };
}

/** Whether an agent has the lock that each holds from its first to its last moment. */
function isLocked(dir: Dir): boolean {
  try {
    dir.lock("agent.lock", "exclusive", { left: () => 0 })();
    return false;
  } catch (fault) {
    if (fault instanceof Failure && fault.kind === "try-again") return true;
    throw fault;
  }
}

const agentArgs = ({ config, path: nodeJson }: Configured): readonly string[] => [
  ...["agent", "run", "--log-file", config.agent.logFile],
  ...(nodeJson === undefined ? [] : ["--config", nodeJson]),
];

/** It is asked for more than warnings, as by its unit; what was asked for otherwise counts. */
function environmentOf({ env }: ServiceWorld, { config }: Configured) {
  const level = env.SOCKETPLANE_LOG || (config.logLevel === "warn" ? "info" : undefined);
  return { PATH: path, ...(level && { SOCKETPLANE_LOG: level }) };
}

function statusOf(
  service: ServiceName,
  recorded: ProvenProcess | undefined,
  running: ProvenProcess | undefined,
  since: (process: ProvenProcess) => number,
): ServiceStatus {
  const about = { service, enabled: undefined };
  if (running !== undefined) {
    const { pid } = running;
    return { ...about, state: "running", pid, since: since(running), reason: undefined };
  }
  const nothing = { pid: undefined, since: undefined };
  if (recorded === undefined) return { ...about, ...nothing, state: "stopped", reason: undefined };
  const reason = `process ${recorded.pid} is gone, and has not ended by itself`;
  return { ...about, ...nothing, state: "failed", reason };
}
