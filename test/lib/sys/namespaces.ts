/** Two network namespaces for a test, and ip(8) in them as the one to compare with. */
import { type Cleanup, openCleanup, ownName } from "../../lab/cleanup.ts";
import { ip } from "../../lab/run.ts";

let serial = 0;

export interface Namespace {
  readonly name: string;
  readonly path: string;
  /** What `ip -j` says, in the namespace. */
  readonly show: (...args: readonly string[]) => readonly Shown[];
  readonly ip: (...args: readonly string[]) => void;
}

/** An entry of ip's JSON. */
export type Shown = Readonly<Record<string, unknown>>;

export interface Namespaces {
  readonly make: (label: string) => Namespace;
  readonly cleanup: Cleanup;
}

export function openNamespaces(): Namespaces {
  const cleanup = openCleanup();
  return {
    cleanup,
    make: (label) => {
      serial += 1;
      const name = ownName(serial, label);
      ip("netns", "add", name);
      cleanup.add(() => void ip("netns", "delete", name));
      return {
        name,
        path: `/run/netns/${name}`,
        show: (...args) =>
          JSON.parse(ip("-n", name, "-j", "-d", ...args) || "[]").filter(
            (entry: Shown) => Object.keys(entry).length > 0,
          ),
        ip: (...args) => void ip("-n", name, ...args),
      };
    },
  };
}
