/** Commits to etcd, each done once at most, however often it had to be sent. */
import type { Clock, Deadline } from "../deadline.ts";
import type { Members } from "./etcd-ask.ts";
import type { Calls } from "./etcd-connection.ts";
import { EtcdFault, faultOf, refusalOf } from "./etcd-fault.ts";
import { commitOf, compareRequest, txnRequest } from "./etcd-txn.ts";
import { type Commit, checkTxn, type Store, type Txn } from "./store.ts";

export interface CommitDeps {
  readonly members: Pick<Members, "ask">;
  readonly clock: Clock;
  /** A text that no other attempt of any process has. */
  readonly newToken: () => string;
  /** The key that marks an attempt as done. */
  readonly attemptKey: (token: string) => string;
}

/** Far longer than anybody waits for a commit; then the marks go by themselves. */
const markSeconds = 300;

/** Store.commit of the etcd store. */
export function openCommit(deps: CommitDeps): Store["commit"] {
  const { members, newToken, attemptKey } = deps;
  const leases = openMarkLease(deps);
  return async (txn: Txn, deadline: Deadline): Promise<Commit> => {
    checkTxn(txn);
    const question = { action: actionOf(txn), kind: "write" } as const;
    if (txn.writes.length === 0) {
      const request = compareRequest(txn);
      return members.ask(question, deadline, async ({ kv }) => commitOf(await kv.txn(request)));
    }
    const key = attemptKey(newToken());
    return members.ask(question, deadline, async (calls, { again }) => {
      const lease = await leases.get(calls);
      try {
        return commitOf(await calls.kv.txn(txnRequest(txn, { key, lease }, again)));
      } catch (thrown) {
        const fault = faultOf(thrown, { sent: true });
        if (refusalOf(fault).outlook === "lease") leases.forget();
        throw fault;
      }
    });
  };
}

/** One TTL lease for the marks of this process. */
function openMarkLease({ clock }: CommitDeps) {
  let granted: { readonly id: string; readonly at: number } | undefined;
  return {
    get: async ({ lease }: Calls): Promise<string> => {
      // Not one that may end before the answer is known.
      if (granted === undefined || clock() - granted.at > (markSeconds / 2) * 1_000) {
        const { ID } = await lease.leaseGrant({ TTL: markSeconds }).catch((thrown: unknown) => {
          const fault = faultOf(thrown, { sent: true });
          // Whatever became of this: the transaction was not sent.
          throw new EtcdFault(fault.code, fault.message, { sent: false });
        });
        granted = { id: ID, at: clock() };
      }
      return granted.id;
    },
    forget: () => {
      granted = undefined;
    },
  };
}

function actionOf({ writes, compares }: Txn): string {
  const [first] = writes;
  if (first === undefined) return `compare ${compares.length} keys`;
  const key = "put" in first ? first.put : first.remove;
  const rest = writes.length === 1 ? "" : ` and ${writes.length - 1} more`;
  return `write key "${key}"${rest}`;
}
