/** What is judged of containers' own interfaces. See doctor.ts for the folder's note. */
import { runCniName } from "../attach/names.ts";
import { broken, type Check, notKnown, ofNode, ok, type Verdict, valueIn } from "./check.ts";
import { attachmentName } from "./remedies.ts";

/** How many are named. */
const mostNamed = 5;

export const insideCheck: Check = {
  id: "containers.inside",
  asks: "Whether each container's interface has its own MAC, MTU and addresses still, and a default route where it was given one: of the first 64 containers, in their network namespaces.",
  remedy: "Make the container again; what has changed it has rights in its network namespace.",
  needs: ["machine.rights"],
  judge: ofNode((node, { lists }) => {
    if (!node.inside.known) return notKnown(node.inside);
    const { looked, of, faulty } = node.inside.value;
    const routed = new Set((valueIn(lists.found) ?? []).map(({ routes }) => routes));
    routed.add(runCniName);
    const all = faulty.flatMap(({ id, faults, noDefault }): readonly Verdict[] => {
      const isLost = noDefault && routed.has(id.name);
      const said = [...faults, ...(isLost ? ["the default route is gone"] : [])];
      if (said.length === 0) return [];
      const subject = attachmentName({ id });
      return [broken({ subject, seen: `inside, ${said.join("; ")}`, todo: madeAgain })];
    });
    if (all.length > mostNamed) {
      const seen = `inside, ${all.length - mostNamed} more are not as they were made`;
      return [...all.slice(0, mostNamed), broken({ seen, todo: madeAgain })];
    }
    if (all.length > 0 || of === 0) return all;
    return [ok(`${looked} of ${of} looked into, each as it was made`)];
  }),
};

const madeAgain =
  "Have its runtime make it again, and see what has changed it: a process in it, or one with rights in its network namespace";
