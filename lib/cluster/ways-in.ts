/** Where a cluster may be asked to take this machine in: by name, or by multicast DNS. */
import { Failure } from "../errors.ts";
import { formatVtep } from "../ipam/nodes.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Token } from "../trust/token.ts";
import type { Endpoint, JoinDrivers } from "./drivers.ts";
import { type Found, findClusters } from "./find.ts";

/** Milliseconds that others have to be heard. */
const patienceMs = { withToken: 12_000, without: 3_000 } as const;

export interface Search {
  readonly token: Token | undefined;
  /** Whether a cluster that takes none is trusted as well. */
  readonly insecure: boolean;
  readonly link: string;
  readonly address: VtepAddress;
}

/** Never empty; throws Failure "try-again" for nothing found, "usage" where a token is missing. */
export async function waysIn(
  joining: Pick<JoinDrivers, "openMdns">,
  { token, insecure, link, address }: Search,
): Promise<readonly Endpoint[]> {
  const search = { address: formatVtep(address), authority: token?.authority };
  const found = await findClusters(joining, {
    ...search,
    patienceMs: token === undefined ? patienceMs.without : patienceMs.withToken,
  });
  return chooseWays(found, { token, insecure, link });
}

/**
 * Pure: of what was found, whom to ask. Anybody on the segment can say that they take in whoever
 * comes: it is believed only where that was asked for.
 */
export function chooseWays(
  found: readonly Found[],
  { token, insecure, link }: Omit<Search, "address">,
): readonly Endpoint[] {
  if (found.length === 0) throw nobody(token, link);
  if (token !== undefined) return eachOnce(found);
  const secure = found.filter(({ authority }) => authority !== undefined);
  const open = found.filter(({ authority }) => authority === undefined);
  if (open.length === 0 || !insecure) throw needsToken(secure);
  if (new Set(open.map(({ cluster }) => cluster)).size === 1) return eachOnce(open);
  throw new Failure(
    "usage",
    "Cannot join a cluster: there are several without TLS to choose from",
    {
      details: `${listed(open)}\nName one: --endpoint ADDRESS`,
    },
  );
}

/** Who is asked is the same, whatever else is said of it. */
const eachOnce = (found: readonly Found[]): readonly Found[] => [
  ...new Map(found.map((one) => [`${one.host} ${one.port}`, one])).values(),
];

const nobody = (token: Token | undefined, link: string): Failure =>
  new Failure(
    "try-again",
    `Cannot join a cluster: ${token === undefined ? "none" : "not the token's"} was found on interface "${link}"`,
    {
      details: [
        "Is another interface on the cluster's segment? --interface NAME",
        "Where multicast does not pass (UDP 5353), name a node that takes in others: --endpoint ADDRESS",
        "Its agent must run, and TCP 9479 be open to this machine; socketplane cluster status there says more.",
      ].join("\n"),
    },
  );

export const needsToken = (found: readonly Found[] = []): Failure =>
  new Failure("usage", "Cannot join a cluster: it takes a token", {
    details: [
      ...(found.length > 0 ? [listed(found)] : []),
      "Make one on a machine that is in it: socketplane cluster token create",
      "One that was made without TLS takes none, and trusts whoever answers: --insecure",
    ].join("\n"),
  });

const listed = (found: readonly Found[]): string =>
  `Found: ${found.map(({ node, host }) => `node "${node}" at ${host}`).join(", ")}`;
