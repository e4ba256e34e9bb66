/** What install does with each of its files: pure. See services.ts for the folder's note. */
import type { Content, Found } from "../sys/tree.ts";
import { type Installed, markOf } from "./installed.ts";
import { networkList, nodeJson } from "./samples.ts";
import { etcdPrograms, unitOf } from "./services.ts";
import { agentUnit, etcdUnit } from "./units.ts";

export interface Places {
  /** Where the runtime looks for plugins. */
  readonly cniBin: string;
  /** Where it looks for network lists. */
  readonly cniConf: string;
  /** The command is linked into its "bin". */
  readonly prefix: string;
}

export const usualPlaces: Places = {
  cniBin: "/opt/cni/bin",
  cniConf: "/etc/cni/net.d",
  prefix: "/usr/local",
};

export interface Wanted {
  readonly path: string;
  readonly content: Content;
  /** "sample": only where nothing is, and not again where somebody has removed it. */
  readonly kind: "program" | "unit" | "sample";
}

/** `units`: systemd is there to read them. */
export function wantedFiles(places: Places, units: "units" | "no units"): readonly Wanted[] {
  const { cniBin, cniConf, prefix } = places;
  const program = `${cniBin}/socketplane`;
  const command = `${prefix}/bin/socketplane`;
  const unit = (name: "agent" | "etcd", text: string): Wanted => ({
    path: `/etc/systemd/system/${unitOf(name)}`,
    content: { kind: "text", text, mode: 0o644 },
    kind: "unit",
  });
  const sample = (path: string, text: string, mode: number): Wanted => ({
    path,
    content: { kind: "text", text, mode },
    kind: "sample",
  });
  return [
    { path: program, content: { kind: "executable" }, kind: "program" },
    { path: `${program}-ipam`, content: { kind: "name", of: program }, kind: "program" },
    { path: command, content: { kind: "link", target: program }, kind: "program" },
    ...(units === "units"
      ? [unit("agent", agentUnit(command)), unit("etcd", etcdUnit(etcdPrograms[0]))]
      : []),
    sample(`${cniConf}/10-socketplane.conflist`, networkList, 0o644),
    sample("/etc/socketplane/node.json", nodeJson, 0o600),
  ];
}

export type Step =
  | { readonly do: "write"; readonly over: string | undefined }
  /** It is as it is to be. */
  | { readonly do: "nothing"; readonly isOurs: boolean }
  /** It is somebody's, and stays as it is: `why` for people. */
  | { readonly do: "keep"; readonly why: string }
  /** It is in the way. */
  | { readonly do: "refuse"; readonly why: string };

/** What is to be done about one file, of which `mark` is what it is to be. */
export function stepFor(
  { path, kind, content }: Wanted,
  mark: string,
  found: Found | undefined,
  before: Installed | undefined,
): Step {
  const own = before?.files.find((file) => file.path === path);
  if (found === undefined) {
    const isRemoved = kind === "sample" && own !== undefined && before?.isComplete === true;
    return isRemoved
      ? { do: "keep", why: "it was removed, and is not written again" }
      : { do: "write", over: undefined };
  }
  const there = markOf(found);
  const isOurs = there !== undefined && own?.marks.includes(there) === true;
  if (there === mark) return { do: "nothing", isOurs };
  if (isOurs) return { do: "write", over: there };
  if (kind !== "program") {
    return found.kind === "file"
      ? { do: "keep", why: own === undefined ? "it was there" : "it was changed" }
      : { do: "refuse", why: `it is a ${wordFor(found)}` };
  }
  const isLink = content.kind === "link";
  // An older one of ours, which somebody has put there by hand.
  const isReplaceable = isLink
    ? found.kind === "link" && found.target.endsWith("/socketplane")
    : found.kind === "file";
  return isReplaceable
    ? { do: "write", over: there }
    : { do: "refuse", why: `it is ${isLink ? "no link of ours" : `a ${wordFor(found)}`}` };
}

const wordFor = ({ kind }: Found): string => (kind === "other" ? "socket or device" : kind);
