/**
 * The executables with Bun in them and those with Node, asked the same: one program, so what they
 * say and do is compared, word for word, but for what is of the moment.
 */
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { Lab } from "../lab/lab.ts";
import {
  type CniCall,
  type CniOutcome,
  type Container,
  executablesOf,
  type LabNode,
  type NodeOptions,
} from "../lab/node.ts";
import { type Command, type Outcome, run } from "../lab/run.ts";

export const runtimes = ["bun", "node"] as const;
export type Runtime = (typeof runtimes)[number];

export const pathOf = (of: Runtime, name = "socketplane"): string => join(executablesOf(of), name);

/** The operator's command of a node, of one runtime. */
export function lineOf(of: Runtime, node: LabNode, ...words: readonly string[]): Command {
  const { argv, ...rest } = node.operatorCommand(...words);
  return { ...rest, argv: [pathOf(of), ...argv.slice(1)] };
}

/** What a program said and did; all but when, and the host end's MAC, which is the kernel's. */
export function said({ status, signal, stdout, stderr }: Outcome) {
  const lines = stderr.split("\n").filter((line) => line !== "");
  const answer = stdout.replace(/("name":"spv\w+","mac":)"[^"]+"/g, '$1"the kernel\'s"');
  return { status, signal, stdout: answer, stderr: lines.map(logged) };
}

export function logged(line: string): unknown {
  if (!line.startsWith("{")) return line;
  const { time, ms, ...rest } = JSON.parse(line);
  return rest;
}

/** What both say, one after the other, where it is the same. */
export async function same(ask: (of: Runtime) => Promise<Outcome>) {
  const [bun, node] = [said(await ask("bun")), said(await ask("node"))];
  expect(node).toEqual(bun);
  return bun;
}

/** A machine of its own for a runtime, with a container. */
export interface Side {
  readonly of: Runtime;
  readonly node: LabNode;
  readonly container: Container;
  /** A call of the interface plugin, for this container unless another is named. */
  readonly call: (command: CniCall["command"], more?: Partial<CniCall>) => CniCall;
  readonly cni: (command: CniCall["command"], more?: Partial<CniCall>) => Promise<CniOutcome>;
  readonly type: (...words: readonly string[]) => Promise<Outcome>;
  /** A value with this side's own names in it taken for those of any. */
  readonly neutral: <T>(value: T) => T;
}

export type Sides = readonly [Side, Side];

/** Two machines that are alike. */
export async function openSides(
  lab: Lab,
  conf: object,
  options: (of: Runtime) => NodeOptions = () => ({}),
): Promise<Sides> {
  return [await openSide(lab, "bun", conf, options), await openSide(lab, "node", conf, options)];
}

async function openSide(
  lab: Lab,
  of: Runtime,
  conf: object,
  options: (of: Runtime) => NodeOptions,
): Promise<Side> {
  const node = await lab.startNode(options(of));
  const container = node.addContainer();
  const plugin = pathOf(of);
  const call: Side["call"] = (command, more) => ({ command, conf, container, plugin, ...more });
  const own = [
    [node.ovs.runDir, "<switch>"],
    [dirname(node.config), "<folder>"],
    [container.id, "<container>"],
    [node.netns, "<netns>"],
    [dirname(plugin), "<executables>"],
  ] as const;
  return {
    of,
    node,
    container,
    call,
    cni: (command, more) => node.cni(call(command, more)),
    type: (...words) => run(lineOf(of, node, ...words)),
    neutral: (value) => {
      if (value === undefined) return value;
      let text = JSON.stringify(value);
      for (const [name, any] of own) text = text.replaceAll(name, any);
      return JSON.parse(
        text
          .replace(/spv[0-9a-v]{12}/g, "<link>")
          .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
          .replace(/\/run\/ports\/\d+/g, "/run/ports/<number>"),
      );
    },
  };
}

/** Looks at both at once; gives what is to be seen on both, if it is the same. */
export async function alike<T>(sides: Sides, look: (side: Side) => Promise<T>): Promise<T> {
  const [bun, node] = await Promise.all(sides.map(async (side) => side.neutral(await look(side))));
  expect(node).toEqual(bun);
  return bun as T;
}
