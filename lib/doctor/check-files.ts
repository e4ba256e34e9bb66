/** What is judged of files: node.json, the plugins, the network lists. See doctor.ts. */
import { broken, type Check, notKnown, ok, unknown, type Verdict, warning } from "./check.ts";
import type { BinFacts, Facts } from "./facts.ts";
import { type NetworkList, ownTypes } from "./lists.ts";

const nodeJson: Check = {
  id: "files.node-json",
  asks: "Whether node.json can be read, and says nothing that is unknown.",
  remedy: "Correct what is named. Where there is no file, all defaults hold.",
  without: "node.json can't be read, which says where everything is",
  judge: ({ nodeJson }) => {
    const { path } = nodeJson;
    switch (nodeJson.state) {
      case "read":
        return [ok(path)];
      case "absent":
        return [ok(`there is no ${path}: all defaults hold`)];
      case "hidden":
        return [unknown(`${path} can't be read by this user`)];
      case "faulty": {
        const { why, todo } = nodeJson;
        return [broken({ seen: why, todo: todo ?? `Correct ${path}` })];
      }
    }
  },
};

const ours = (facts: BinFacts) => facts.programs.filter(({ name }) => ownTypes.includes(name));

/** Of a runtime that looks elsewhere, the same command tells. */
const installWith = ({ folder }: BinFacts): string =>
  folder === "/opt/cni/bin" ? "socketplane install" : `socketplane install --cni-bin ${folder}`;

const programs: Check = {
  id: "files.programs",
  asks: "Whether the plugins are where runtimes look for them (/opt/cni/bin, or --cni-bin), can be executed, and are of this command's version.",
  remedy: "`socketplane install`",
  without: "the plugins are not installed",
  judge: ({ bin }) => {
    const { folder, version } = bin;
    const todo = installWith(bin);
    const states = ours(bin).map((program): Verdict => {
      const path = `${folder}/${program.name}`;
      if (program.state === "absent") {
        return broken({ subject: program.name, seen: `there is no ${path}`, todo });
      }
      if (program.state === "hidden") {
        return unknown(`${path} can't be looked at by this user`, program.name);
      }
      if (program.state !== "there") {
        const seen = `${path} is ${program.state}`;
        const repair = program.state === "not executable" ? `chmod 755 ${path}` : todo;
        return broken({ subject: program.name, seen, todo: repair });
      }
      if (program.version === version) return ok(`${path}, ${version}`, program.name);
      const seen = `${path} ${program.version === undefined ? "does not say its version" : `is ${program.version}`}, and this is ${version}`;
      return warning({ subject: program.name, seen, todo });
    });
    if (states.every(({ state }) => state === "ok")) return [ok(`in ${folder}, ${version}`)];
    const missing = ours(bin).every(({ state }) => state === "absent");
    if (!missing) return states.filter(({ state }) => state !== "ok");
    return [
      broken({ seen: `SocketPlane is not installed: ${folder} has none of its plugins`, todo }),
    ];
  },
};

/** Where no list is ours, one that can't be read may have been meant to be. */
function withoutOurs(
  folder: string,
  lists: readonly NetworkList[] | undefined,
): readonly Verdict[] {
  const faulty = (lists ?? []).filter(({ faults }) => faults.length > 0);
  if (faulty.length > 0) return faulty.map((list) => broken(faultOf(folder, list)));
  const others = (lists ?? []).map(({ file }) => file).join(", ");
  const seen =
    lists === undefined
      ? `there is no ${folder}`
      : `${folder} has no network list of ours${others === "" ? "" : `, only ${others}`}`;
  return [broken({ seen: `${seen}: no runtime uses SocketPlane`, todo: listTodo(folder) })];
}

const faultOf = (folder: string, { file, faults }: NetworkList) => ({
  subject: file,
  seen: faults.join("; "),
  todo: `Correct ${folder}/${file}`,
});

const listTodo = (folder: string): string =>
  folder === "/etc/cni/net.d"
    ? "socketplane install\nWhere somebody has removed its sample, it writes none: docs/clients.md has others"
    : `socketplane install --cni-conf ${folder}`;

const lists: Check = {
  id: "files.lists",
  asks: "Whether runtimes find a network list of ours (/etc/cni/net.d, or --cni-conf) that they can read: JSON, with a name, and plugins that there are.",
  remedy:
    "Correct the file at the line and column that is named, or have `socketplane install` write one. docs/clients.md has samples.",
  without: "there is no network list of ours that can be read",
  judge: ({ lists: { folder, found } }) => {
    if (!found.known) return notKnown(found);
    const lists = found.value;
    const at = lists?.findIndex(({ isOurs }) => isOurs) ?? -1;
    if (lists === undefined || at < 0) return withoutOurs(folder, lists);
    const faulty = lists.flatMap((list, index): readonly Verdict[] => {
      if (list.faults.length === 0) return [];
      // containerd reads them in their order, and fails at the first that it can't.
      const isInTheWay = list.isOurs || index < at;
      return [(isInTheWay ? broken : warning)(faultOf(folder, list))];
    });
    const files = lists.filter(({ isOurs }) => isOurs).map(({ file }) => file);
    return faulty.length > 0 ? faulty : [ok(`${files.join(", ")} in ${folder}`)];
  },
};

const order: Check = {
  id: "files.order",
  asks: "Whether a network list of ours comes first by its name: containerd takes the first, and no other.",
  remedy: "Rename it so that it comes first, or take the other one away.",
  needs: ["files.lists"],
  judge: ({ lists: { folder, found } }) => {
    const [first, ...rest] = (found.known ? found.value : undefined) ?? [];
    const own = [first, ...rest].find((one) => one?.isOurs);
    if (first === undefined || own === undefined || rest.length === 0) return [];
    if (first.isOurs)
      return [ok(`${first.file} comes before ${rest.map(({ file }) => file).join(", ")}`)];
    return [
      warning({
        seen: `${first.file} (${first.types.join(", ")}) comes before ${own.file}: containerd uses that one`,
        todo: `mv ${folder}/${own.file} ${folder}/00-${own.file.replace(/^\d+-/, "")}`,
      }),
    ];
  },
};

/** podman's configuration may name that folder as well; containerd looks in one. */
const isElsewhere = (file: string, type: string, folder: string, elsewhere: string): Verdict =>
  warning({
    subject: file,
    seen: `plugin "${type}" is in ${elsewhere}, not in ${folder}: only a runtime that is told of both finds it`,
    todo: `ln -s ${elsewhere}/${type} ${folder}/${type}`,
  });

const plugins: Check = {
  id: "files.plugins",
  asks: "Whether all plugins that our network lists name are there: ours, and those chained after it.",
  remedy:
    "Install the plugin that is named (those of the CNI project: `apt-get install containernetworking-plugins`, then a link to each from /usr/lib/cni), or take it out of the list.",
  needs: ["files.lists", "files.programs"],
  judge: ({ lists: { found }, bin }) => {
    const own = ((found.known ? found.value : undefined) ?? []).filter(({ isOurs }) => isOurs);
    const there = new Map(bin.programs.map((program) => [program.name, program]));
    const missing = own.flatMap(({ file, types }) =>
      types
        .filter((type) => !["there", "hidden"].includes(there.get(type)?.state ?? "absent"))
        .map((type) => {
          const elsewhere = there.get(type)?.elsewhere;
          if (elsewhere !== undefined) return isElsewhere(file, type, bin.folder, elsewhere);
          const seen = `plugin "${type}" is ${there.get(type)?.state ?? "absent"} in ${bin.folder}`;
          const todo = `Install it there, or take it out of ${file}`;
          return broken({ subject: file, seen, todo });
        }),
    );
    const types = [...new Set(own.flatMap((list) => list.types))];
    return missing.length > 0 ? missing : [ok(types.join(", "))];
  },
};

const sameNode: Check = {
  id: "files.same-node",
  asks: "Whether our network lists mean the node.json that this has looked at.",
  remedy: "`socketplane doctor --config FILE`, with the one that the list names.",
  needs: ["files.lists"],
  judge: ({ lists: { found }, nodeJson }: Facts) =>
    ((found.known ? found.value : undefined) ?? []).flatMap(({ file, nodeConfig }) =>
      nodeConfig === undefined || nodeConfig === nodeJson.path
        ? []
        : [
            warning({
              subject: file,
              seen: `it names ${nodeConfig}, and this has looked at ${nodeJson.path}`,
              todo: `socketplane doctor --config ${nodeConfig}`,
            }),
          ],
    ),
};

export const fileChecks: readonly Check[] = [nodeJson, programs, lists, order, plugins, sameNode];
