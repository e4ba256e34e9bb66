/** libcni on a node: what every runtime in Go calls plugins by, without a runtime around it. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Container, debianPlugins, executables, type LabNode } from "../lab/node.ts";
import { must, type Outcome, run } from "../lab/run.ts";
import type { List } from "./aftermath.ts";

export interface Libcni {
  /** Gives the last plugin's result. Throws an Error in libcni's words, as the others do. */
  readonly add: (list: List, of: Attaching) => Promise<Result>;
  readonly check: (list: List, of: Attaching) => Promise<void>;
  readonly del: (list: List, of: Attaching) => Promise<void>;
  /** Gives the capabilities that the list's plugins have, sorted: libcni has them in no order. */
  readonly validate: (list: List) => Promise<readonly string[]>;
  /** Where it keeps what ADDs gave, for CHECK and DEL. */
  readonly cache: string;
}

export interface Attaching {
  readonly container: Pick<Container, "id" | "path">;
  /** By default eth0. */
  readonly ifname?: string;
  /** CNI_ARGS. */
  readonly args?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

export interface Result {
  readonly cniVersion: string;
  readonly interfaces: readonly { readonly name: string; readonly sandbox?: string }[];
  readonly ips: readonly { readonly address: string; readonly interface?: number }[];
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[];
}

/** Where Debian's golang-github-appc-cni-dev has it. */
const gopath = "/usr/share/gocode";

/** Builds our program around it in a folder; gives its path. */
export async function buildLibcni(folder: string): Promise<string> {
  const program = join(folder, "libcni");
  const source = fileURLToPath(new URL("libcni.go", import.meta.url));
  const env = {
    PATH: process.env.PATH ?? "",
    GOPATH: gopath,
    GO111MODULE: "off",
    CGO_ENABLED: "0",
    GOCACHE: join(folder, "go"),
  };
  await must({ argv: ["go", "build", "-o", program, source], env, limitMs: 300_000 });
  return program;
}

export function libcniOn(node: LabNode, program: string, folder: string): Libcni {
  const own = mkdtempSync(join(folder, "libcni-"));
  const cache = join(own, "cache");
  const call = async (verb: string, list: List, of?: Attaching): Promise<string> => {
    const file = join(own, `${list.name}.conflist`);
    writeFileSync(file, JSON.stringify(list));
    const outcome = await run({
      argv: [program, verb, file, cache],
      netns: node.netns,
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        SOCKETPLANE_CONFIG: node.config,
        CNI_PATH: `${executables}:${debianPlugins}`,
        ...(of !== undefined && {
          CNI_CONTAINERID: of.container.id,
          CNI_NETNS: of.container.path,
          CNI_IFNAME: of.ifname ?? "eth0",
          CNI_ARGS: of.args ?? "",
          CAP_ARGS: JSON.stringify(of.capabilities ?? {}),
        }),
      },
    });
    return succeeded(verb, outcome);
  };
  return {
    add: async (list, of) => JSON.parse(await call("add", list, of)),
    check: async (list, of) => void (await call("check", list, of)),
    del: async (list, of) => void (await call("del", list, of)),
    validate: async (list) => {
      const capabilities: string[] = JSON.parse(await call("validate", list));
      return capabilities.sort();
    },
    cache,
  };
}

/** Our logs are on standard error too, each line an object. */
function succeeded(verb: string, { status, stdout, stderr }: Outcome): string {
  if (status === 0) return stdout;
  const words = stderr.split("\n").filter((line) => !line.startsWith('{"time"'));
  throw new Error(`${verb} failed: ${words.join("\n").trim()}`);
}
