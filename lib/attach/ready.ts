/** Whether the switch would take an ADD now. */
import type { Deadline } from "../deadline.ts";
import type { Database, Flows } from "../ovs/switch.ts";
import { selectDatapath } from "./bridge-rows.ts";

/** As much of a switch as is asked. */
export interface AskedSwitch {
  readonly database: (deadline: Deadline) => Pick<Database, "send">;
  readonly flows: (deadline: Deadline) => Pick<Flows, "ask">;
}

/**
 * Asks ovsdb-server and ovs-vswitchd, and does not wait: who takes the answer does. Throws Failure
 * "try-again", here or there, where one of them is away or does not answer.
 */
export function askSwitch(
  ovs: AskedSwitch,
  bridge: string,
  deadline: Deadline,
): (until: Deadline) => void {
  const select = [selectDatapath(bridge)];
  const asked = ovs.database(deadline).send(select, deadline);
  let answer: (until: Deadline) => void;
  try {
    answer = ovs.flows(deadline).ask(deadline);
  } catch (fault) {
    // Before the first ADD there is no bridge, and so no socket of it.
    answer = () => {
      throw fault;
    };
  }
  return (until) => {
    const [found] = asked.results(until);
    if (found?.rows?.[0] !== undefined) answer(until);
  };
}
