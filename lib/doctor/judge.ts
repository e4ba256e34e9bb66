/** From facts to findings: pure. See doctor.ts for the folder's note. */
import type { Area, Check, Finding, State } from "./check.ts";
import type { Facts } from "./facts.ts";

/**
 * What each check finds, in their order. One whose needs are not met is not asked: one fault must
 * not drown in what follows from it.
 */
export function judge(checks: readonly Check[], facts: Facts): readonly Finding[] {
  /** By check: what stands in its way, or is its own. */
  const inTheWay = new Map<string, Cause>();
  const broken = new Map<string, Cause>();
  return checks.flatMap((check): readonly Finding[] => {
    if (check.applies?.(facts) === false) return [];
    const area = areaOf(check);
    const { needs = [], comesOf = [] } = check;
    const cause = [
      ...needs.map((id) => inTheWay.get(id)),
      ...comesOf.map((id) => broken.get(id)),
    ].find((one) => one !== undefined);
    if (cause !== undefined) {
      inTheWay.set(check.id, cause);
      return [{ id: check.id, area, state: "unknown", ...cause }];
    }
    const found = check.judge(facts);
    const first = found.find(({ state }) => state === "broken" || state === "unknown");
    if (first !== undefined) {
      const other = checks.find(({ id }) => id === first.because);
      inTheWay.set(check.id, causeOf(other ?? check, other === undefined ? first.state : "broken"));
    }
    if (found.some(({ state }) => state === "broken")) {
      broken.set(check.id, causeOf(check, "broken"));
    }
    return found.map((verdict) => ({ id: check.id, area, ...verdict }));
  });
}

type Cause = Required<Pick<Finding, "seen">> & { readonly because: string };

const causeOf = ({ id: because, without }: Check, state: State): Cause => ({
  because,
  seen:
    state === "unknown"
      ? `${because} could not be told`
      : (without ?? `${because} has to be well first`),
});

const areaOf = ({ id }: Check): Area => id.slice(0, id.indexOf(".")) as Area;

const severities: readonly State[] = ["ok", "unknown", "warning", "broken"];

/** Of all of them. What could not be told is no proof of health: it counts as a warning. */
export function worstOf(findings: readonly Pick<Finding, "state">[]): Exclude<State, "unknown"> {
  const worst = Math.max(0, ...findings.map(({ state }) => severities.indexOf(state)));
  const state = severities[worst] ?? "ok";
  return state === "unknown" ? "warning" : state;
}

export const exitStatus = { ok: 0, warning: 1, broken: 2 } as const;
