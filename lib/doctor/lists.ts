/** Network lists as runtimes find them, and what is wrong with each: pure. See doctor.ts. */
import { asVersion, isUnstated, versions } from "../cni/versions.ts";
import { nearest, shown } from "../faults.ts";
import { isObject, parseJson } from "../json.ts";
import { faultInJson } from "../json-fault.ts";
import { isName } from "../text.ts";

/** A file of /etc/cni/net.d that runtimes look at. */
export interface ListFile {
  readonly name: string;
  /** Undefined where it can't be read. */
  readonly text: string | undefined;
}

export interface NetworkList {
  readonly file: string;
  /** Whether a plugin in it is ours, or it seems to be meant so. */
  readonly isOurs: boolean;
  /** Types of its plugins, and of those that give their addresses. */
  readonly types: readonly string[];
  /** Networks that it uses, and whether they are made on first use. */
  readonly networks: readonly { readonly name: string; readonly isMade: boolean }[];
  /** Its name, where a plugin of ours in it gives containers their default route. */
  readonly routes: string | undefined;
  /** Where it says node.json is. */
  readonly nodeConfig: string | undefined;
  readonly faults: readonly string[];
}

export const ownTypes = ["socketplane", "socketplane-ipam"];

/** Endings of the files that runtimes take, as libcni does (ConfFiles). */
export const isListFile = (name: string): boolean => /\.(conf|conflist|json)$/.test(name);

/** In the order in which runtimes take them: containerd takes the first. */
export const readLists = (files: readonly ListFile[]): readonly NetworkList[] =>
  [...files].sort((a, b) => (a.name < b.name ? -1 : 1)).map(readList);

function readList({ name: file, text }: ListFile): NetworkList {
  const none = { file, types: [], networks: [], routes: undefined, nodeConfig: undefined };
  const isMeant = file.includes("socketplane") || text?.includes("socketplane") === true;
  if (text === undefined) return { ...none, isOurs: isMeant, faults: ["it can't be read"] };
  const json = parseJson(text);
  if (!isObject(json)) {
    const fault = faultInJson(text);
    const state =
      fault === undefined ? `it is no object, but ${shown(json)}` : `it is not JSON: ${fault}`;
    return { ...none, isOurs: isMeant, faults: [state] };
  }
  const plugins = pluginsOf(file, json);
  if (typeof plugins === "string") return { ...none, isOurs: isMeant, faults: [plugins] };
  const types = plugins.flatMap(typesOf);
  const isOurs = types.some((type) => ownTypes.includes(type)) || types.some(isSlip);
  return {
    file,
    isOurs,
    types,
    networks: plugins.flatMap((plugin) => networksOf(plugin, json.name)),
    routes: plugins.some(givesRoute) && typeof json.name === "string" ? json.name : undefined,
    nodeConfig: plugins.map(({ nodeConfig }) => nodeConfig).find((one) => typeof one === "string"),
    faults: [...headFaults(json), ...plugins.flatMap(pluginFaults)],
  };
}

type Plugin = Readonly<Record<string, unknown>>;

/** A list has several, a plain configuration is one; else what is wrong. */
function pluginsOf(file: string, json: Plugin): readonly Plugin[] | string {
  if (!file.endsWith(".conflist") && json.plugins === undefined) return [json];
  const { plugins } = json;
  if (plugins === undefined) return 'it has no "plugins"';
  if (!Array.isArray(plugins) || !plugins.every(isObject)) return '"plugins" is no list of objects';
  return plugins.length === 0 ? '"plugins" is empty' : plugins;
}

const ipamOf = ({ ipam }: Plugin): Plugin | undefined => (isObject(ipam) ? ipam : undefined);

/** With another's addresses, their plugin says which routes there are. */
const givesRoute = (plugin: Plugin): boolean =>
  plugin.type === ownTypes[0] && plugin.defaultRoute !== false && ipamOf(plugin) === undefined;

const typesOf = (plugin: Plugin): readonly string[] =>
  [plugin.type, ipamOf(plugin)?.type].filter((type) => typeof type === "string");

const isSlip = (type: string): boolean =>
  !ownTypes.includes(type) && nearest(type, ownTypes) !== undefined;

function networksOf(plugin: Plugin, listName: unknown): NetworkList["networks"] {
  const ipam = ipamOf(plugin);
  const whole = plugin.type === ownTypes[0] ? plugin : undefined;
  const addresses = ipam?.type === ownTypes[1] ? ipam : undefined;
  if (whole === undefined && addresses === undefined) return [];
  const stated = whole?.network ?? addresses?.network ?? listName;
  const isMade = whole?.subnet !== undefined || addresses?.subnet !== undefined;
  return typeof stated === "string" ? [{ name: stated, isMade }] : [];
}

function headFaults({ cniVersion, name }: Plugin): readonly string[] {
  const isKnown = isUnstated(cniVersion) || asVersion(cniVersion) !== undefined;
  return [
    ...(isKnown ? [] : [`"cniVersion" is ${shown(cniVersion)}: there are ${versions.join(", ")}`]),
    ...(typeof name === "string" && isName(name)
      ? []
      : [name === undefined ? '"name" is missing' : `"name" can't be ${shown(name)}`]),
  ];
}

function pluginFaults(plugin: Plugin): readonly string[] {
  const { type } = plugin;
  if (typeof type !== "string" || type === "") return ['a plugin has no "type"'];
  return typesOf(plugin)
    .filter(isSlip)
    .map((one) => `type "${one}" is no plugin: "${nearest(one, ownTypes)}" is meant`);
}
