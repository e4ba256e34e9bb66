/** Whether the agent does its work, for who asks: pure, but for what it is told. */
import type { HttpAnswer } from "../sys/http-server.ts";
import type { Metrics } from "./metrics.ts";

/** What can be wrong: following the store, bringing it here, making the switch so, the way to peers. */
export type Ailment = "store" | "cluster" | "switch" | "underlay";

/** What this node has of its cluster, its certificate, taking others in, and being found by them. */
export type Remark = "membership" | "certificate" | "joining" | "mdns";

export interface Health {
  /** Undefined: it is well. Gives whether that is news. */
  readonly report: (what: Ailment, state: string | undefined) => boolean;
  readonly isWell: (what: Ailment) => boolean;
  /** What it does not get unwell by, and people should know. Undefined: nothing. Gives whether that is news. */
  readonly remark: (about: Remark, state: string | undefined) => boolean;
  readonly answer: (path: string) => HttpAnswer;
}

const json = "application/json";

export function openHealth(metrics: Metrics): Health {
  const ailments = new Map<Ailment, string>([
    ["store", "it was not read yet"],
    ["cluster", "it was not brought here yet"],
    ["switch", "it was not put right yet"],
  ]);
  const remarks = new Map<Remark, string>();
  return {
    report: (what, state) => set(ailments, what, state),
    remark: (about, state) => set(remarks, about, state),
    isWell: (what) => !ailments.has(what),
    answer: (path) => {
      switch (path) {
        case "/healthz": {
          const status = ailments.size === 0 ? 200 : 503;
          const said = {
            status: status === 200 ? "ok" : "not ok",
            ...Object.fromEntries([...ailments, ...remarks]),
          };
          return { status, type: json, body: `${JSON.stringify(said)}\n` };
        }
        case "/metrics":
          return { status: 200, type: "text/plain; version=0.0.4", body: metrics.text() };
        default:
          return { status: 404, type: json, body: '{"paths":["/healthz","/metrics"]}\n' };
      }
    },
  };
}

/** Gives whether it is another than before. */
function set<T>(states: Map<T, string>, of: T, state: string | undefined): boolean {
  const isNews = states.get(of) !== state;
  if (state === undefined) states.delete(of);
  else states.set(of, state);
  return isNews;
}
