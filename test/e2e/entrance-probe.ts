/**
 * What the operator's command does, step by step. Each says a line of JSON.
 * token STORE CA: makes a token. search SEARCH: finds clusters. join WISH FOLDER: asks the first
 * that is found on the segment, and writes down what it gets.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findClusters } from "../../lib/cluster/find.ts";
import { requestToJoin } from "../../lib/cluster/join.ts";
import { createToken } from "../../lib/cluster/tokens.ts";
import { deadlineIn } from "../../lib/deadline.ts";
import { asFailure } from "../../lib/errors.ts";
import { keysUnder } from "../../lib/store/keys.ts";
import { askHttp } from "../../lib/sys/http-client.ts";
import { openMdns } from "../../lib/sys/mdns.ts";
import { hashOfAuthority } from "../../lib/trust/authority.ts";
import { parseToken } from "../../lib/trust/token.ts";
import { openEtcd } from "../lib/store/etcd-lab.ts";

const [, , what, first = "", second = ""] = process.argv;
const drivers = { openMdns, askHttp };
const soon = () => deadlineIn(() => performance.now(), 20_000);

async function makeToken() {
  const config = JSON.parse(first);
  const registry = {
    store: openEtcd(config),
    keys: keysUnder(config.prefix),
    sleep: () => {},
    random: Math.random,
  };
  const authority = await hashOfAuthority(readFileSync(second, "utf8"));
  return createToken(registry, { authority: authority ?? "", now: new Date() }, soon());
}

async function joinCluster() {
  const { token: text, ...wish } = JSON.parse(first);
  const token = parseToken(text ?? "");
  const authority = token?.authority;
  const patienceMs = token === undefined ? 2_000 : 20_000;
  const search = { address: wish.vtep, patienceMs, ...(authority && { authority }) };
  const found = await findClusters(drivers, search);
  const [at] = found;
  if (at === undefined) throw new Error("no cluster was found");
  const { identity, ...joined } = await requestToJoin(drivers, { ...wish, token, at });
  for (const [name, pem] of Object.entries(identity ?? {})) writeFileSync(join(second, name), pem);
  return { found, ...joined };
}

const deeds: Readonly<Record<string, () => Promise<unknown>>> = {
  token: makeToken,
  search: () => findClusters(drivers, JSON.parse(first)),
  join: joinCluster,
};

const said = await deeds[what ?? ""]?.().catch((fault) => asFailure(fault).message);
console.log(JSON.stringify(said));
process.exit(0);
