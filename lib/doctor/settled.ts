/** Containers that come and go while doctor looks: pure. See doctor.ts for the folder's note. */
import type { NodeFacts as Here, LocalAssignment } from "../survey/here.ts";
import type { SwitchFacts, SwitchPort } from "../survey/switch.ts";
import type { Link } from "../sys/kernel.ts";
import type { Finding } from "./check.ts";
import type { NodeFacts } from "./facts.ts";

/** What is seen of containers at one time. */
export interface ContainerLook {
  readonly here: Here;
  readonly switch: SwitchFacts;
  readonly links: ReadonlyMap<string, Link>;
}

const ids: readonly string[] = ["containers.assigned", "containers.plugged", "containers.ports"];

/** Whether something is wrong with containers: an ADD or DEL under way looks like that, too. */
export const areContainersBlamed = (findings: readonly Finding[]): boolean =>
  findings.some(({ id, state }) => ids.includes(id) && (state === "broken" || state === "warning"));

/** The node as the second look has it, without the containers that are not as in the first one. */
export function settled(node: NodeFacts, again: ContainerLook): NodeFacts {
  const { here, switch: found } = node.survey;
  if (!here.known || !found.known) return node;
  const first = { here: here.value, switch: found.value, links: node.links };
  const stands = (link: string) => stateOf(first, link) === stateOf(again, link);
  const links = [...again.here.assignments.map(linkOf), ...again.switch.ports.map(nameOf)];
  const standing = new Set(links.filter(stands));
  const assignments = again.here.assignments.filter((one) => standing.has(one.link));
  const ports = again.switch.ports.filter(({ name }) => standing.has(name));
  const survey = {
    ...node.survey,
    here: { known: true, value: { ...again.here, assignments } },
    switch: { known: true, value: { ...again.switch, ports } },
  } as const;
  return { ...node, survey, links: again.links };
}

/** All that a container is judged by; IPv6 is a bigint. Made anew, its link has another index. */
function stateOf(look: ContainerLook, link: string): string {
  const written = look.here.assignments.filter((one) => one.link === link);
  const ports = look.switch.ports.filter(({ name }) => name === link);
  const { index, up } = look.links.get(link) ?? {};
  const all = [
    written.map(({ id, address, ofport, isHeld, state }) => [id, address, ofport, isHeld, state]),
    ports.map(({ bridge, ofport, error, row }) => [bridge, ofport, error, row]),
    index,
    up,
  ];
  return JSON.stringify(all, (_, one) => (typeof one === "bigint" ? `${one}` : one));
}

const linkOf = ({ link }: LocalAssignment): string => link;
const nameOf = ({ name }: SwitchPort): string => name;
