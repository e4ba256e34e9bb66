/** Plugins and network lists, where the runtime looks for them. See doctor.ts for the folder's note. */
import { look, valueOr } from "../survey/known.ts";
import type { BinFacts, ListFacts, ProgramFacts } from "./facts.ts";
import { isListFile, ownTypes, readLists } from "./lists.ts";
import type { DoctorWorld } from "./world.ts";

type Looking = Pick<DoctorWorld, "places" | "bin" | "conf" | "version" | "readFile">;

export const readListFiles = ({ places, conf, readFile }: Looking): ListFacts => ({
  folder: conf,
  found: look(() => {
    const names = places.names(conf)?.filter(isListFile);
    const read = (name: string) => ({
      name,
      text: valueOr(
        look(() => readFile(`${conf}/${name}`)),
        undefined,
      ),
    });
    return names && readLists(names.map(read));
  }),
});

/** Milliseconds that a plugin has to say its version: it is on this machine. */
const patienceMs = 5_000;

/** Where distributions put the CNI project's plugins: Debian and Fedora. */
const packaged = ["/usr/lib/cni", "/usr/libexec/cni"];

/** Ours, and those that our lists name. */
export async function readBin(
  { places, bin: folder, version }: Looking,
  { found }: ListFacts,
): Promise<BinFacts> {
  const own = (valueOr(found, undefined) ?? []).filter(({ isOurs }) => isOurs);
  const names = [...new Set([...ownTypes, ...own.flatMap(({ types }) => types)])];
  const programs = names.map(async (name): Promise<ProgramFacts> => {
    const path = `${folder}/${name}`;
    const state = name.includes("/") ? "absent" : places.program(path);
    if (state === "absent" && !name.includes("/") && !ownTypes.includes(name)) {
      const elsewhere = packaged.find((other) => places.program(`${other}/${name}`) === "there");
      return { name, state, version: undefined, ...(elsewhere !== undefined && { elsewhere }) };
    }
    if (state !== "there" || !ownTypes.includes(name)) return { name, state, version: undefined };
    return { name, state, version: versionIn(await places.says(path, ["--version"], patienceMs)) };
  });
  return { folder, version, programs: await Promise.all(programs) };
}

/** Pure: of "0.1.0", and of "SocketPlane 0.1.0: ...". */
export const versionIn = (said: string | undefined): string | undefined =>
  /(?:^|^SocketPlane )(\d+\.\d+\.\d+[\w.+-]*)(?=[:\s]|$)/.exec(said ?? "")?.[1];
