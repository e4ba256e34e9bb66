/**
 * Has this node's certificate renewed when a third of its life is left, or its address is another.
 *
 * Its key stays: so one file is replaced, and who reads never finds a certificate with another's key.
 */
import type { Deadline } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import { formatVtep, parseVtep, sameVtep } from "../ipam/nodes.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Authority } from "../trust/authority.ts";
import { confirmIssued, isDue, readCertificate } from "../trust/certificate.ts";
import { checkRequest, makeRequest } from "../trust/request.ts";
import type { JoinDrivers } from "./drivers.ts";
import { type Entrance, listEntrances } from "./entrances.ts";
import { formatRenew, longest, parseJoinReply, parseRefusal, paths } from "./messages.ts";

/** This node, and what it has: PEM texts. */
export interface Member {
  readonly name: string;
  readonly vtep: VtepAddress;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Milliseconds that one node has for its answer. */
const patienceMs = 10_000;

/** Whether it is time, or its address is not in it. */
export async function needsRenewal({ cert, vtep }: Member, now: Date): Promise<boolean> {
  const facts = await readCertificate(cert);
  if (facts === undefined) return true;
  return isDue(facts, now) || !facts.addresses.some((one) => sameVtep(parseVtep(one), vtep));
}

/** Where the authority is. */
export async function renewHere(
  authority: Authority,
  { name, vtep, key }: Member,
  now: Date,
): Promise<string> {
  const request = await checkRequest((await makeRequest(name, key)).csr, name);
  return authority.sign(request, [formatVtep(vtep)], now);
}

/**
 * Asks the nodes that have the authority, one after the other; gives the certificate. Throws Failure
 * "try-again" where none gives one.
 */
export async function renewElsewhere(
  { askHttp, registry }: Pick<JoinDrivers, "askHttp"> & { readonly registry: Registry },
  member: Member,
  deadline: Deadline,
): Promise<string> {
  const { csr } = await makeRequest(member.name, member.key);
  const refusals: string[] = [];
  for (const entrance of await listEntrances(registry, deadline)) {
    try {
      return await ask({ askHttp }, entrance, member, csr);
    } catch (fault) {
      refusals.push(`node "${entrance.node}": ${reasonOf(fault)}`);
    }
  }
  const state = refusals.join("; ") || "no agent of the cluster runs that has the authority's key";
  throw new Failure("try-again", `Cannot renew this node's certificate: ${state}`);
}

async function ask(
  { askHttp }: Pick<JoinDrivers, "askHttp">,
  { host, port }: Entrance,
  { name, vtep, ca, cert, key }: Member,
  csr: string,
): Promise<string> {
  const reply = await askHttp({
    host,
    port,
    path: paths.renew,
    body: formatRenew({ csr, vtep }),
    trust: { ca, own: { cert, key } },
    longest: longest.reply,
    patienceMs,
  });
  if (reply.status !== 200) throw new Error(parseRefusal(reply.body).error);
  const given = parseJoinReply(reply.body)?.certificates?.cert ?? "";
  if (await confirmIssued({ ca, cert: given, key }, name)) return given;
  throw new Error("it gives a certificate that is not this node's");
}
