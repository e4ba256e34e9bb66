/** A node's certificate, renewed by others of its cluster, as far as they are to be believed. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openEntrance } from "../../../lib/cluster/entrances.ts";
import { type Member, needsRenewal, renewElsewhere } from "../../../lib/cluster/renew.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { askHttp } from "../../../lib/sys/http-client.ts";
import { confirmIssued, issueNode } from "../../../lib/trust/certificate.ts";
import { type OwnEtcd, openOwnEtcd } from "../store/etcd-lab.ts";
import { type JoinLab, newAuthority, openJoinLab, soon } from "./lab.ts";

let own: OwnEtcd;
let lab: JoinLab;
beforeAll(async () => {
  own = await openOwnEtcd();
});
afterAll(() => own?.close());
beforeEach(async () => {
  lab = await openJoinLab(own.store);
});
afterEach(() => lab.close());

const vtepOf = (text: string) => {
  const vtep = parseVtep(text);
  if (vtep === undefined) throw new Error(`${text} is no address`);
  return vtep;
};
const vtep = vtepOf("192.0.2.2");
const memberOf = async (): Promise<Member> => {
  const { cert, key } = await lab.issue("host-b");
  return { name: "host-b", vtep, ca: lab.ca, cert, key };
};
const register = () =>
  registerNode(lab.registry, { name: "host-b", machineId: "b", vtep, boot: "" }, soon());
const open = (node: string, at: { host: string; port: number }) =>
  openEntrance(lab.registry, { node, ...at }, soon());
const renew = (member: Member) =>
  renewElsewhere({ askHttp, registry: lab.registry }, member, soon());

test("those that have the authority are asked in turn, until one renews it", async () => {
  const member = await memberOf();
  await register();
  // One that ended without a word, one of another authority, and one that does it.
  await open("host-a1", { host: lab.at.host, port: 1 });
  const other = await openJoinLab(own.store);
  await open("host-a2", other.at);
  await open("host-a3", lab.at);
  const cert = await renew(member);
  expect(cert).not.toBe(member.cert);
  expect(await confirmIssued({ ...member, cert }, "host-b")).toBe(true);
  expect(await needsRenewal({ ...member, cert }, new Date())).toBe(false);
  expect(other.said).toEqual([]);
  other.close();
});

test("where none does, it says why of each", async () => {
  const member = await memberOf();
  await expect(renew(member)).rejects.toMatchObject({
    kind: "try-again",
    message:
      "Cannot renew this node's certificate: no agent of the cluster runs that has the authority's key",
  });
  await open("host-a1", { host: lab.at.host, port: 1 });
  await open("host-a2", lab.at);
  await expect(renew(member)).rejects.toThrow(
    `Cannot renew this node's certificate: node "host-a1": Cannot ask ${lab.at.host}:1: nobody listens there, or there is no route to it; node "host-a2": node "host-b" is not of the cluster any more`,
  );
});

test("a certificate that is not this node's is not taken", async () => {
  const member = await memberOf();
  await open("host-a", lab.at);
  const other = await lab.issue("host-c");
  const lying: typeof askHttp = async () => ({
    status: 200,
    body: JSON.stringify({ ca: lab.ca, cert: other.cert, endpoints: ["https://a"], prefix: "/" }),
  });
  await expect(
    renewElsewhere({ askHttp: lying, registry: lab.registry }, member, soon()),
  ).rejects.toThrow("it gives a certificate that is not this node's");
});

describe("it is time", () => {
  const dayMs = 24 * 3_600_000;
  const now = new Date();
  const later = (days: number) => new Date(now.getTime() + days * dayMs);

  test.each(["192.0.2.2", "2001:db8::1", "2001:db8:0:0:1::5", "fd00::1:0:0:1"])(
    "with a third left, or at another address than %s",
    async (address) => {
      const { authority, cert: ca } = await newAuthority();
      const about = { name: "a", addresses: [address] };
      const own = { ca, ...(await issueNode(authority, about, now)), name: "a" };
      const here = { ...own, vtep: vtepOf(address) };
      expect(await needsRenewal(here, later(0))).toBe(false);
      expect(await needsRenewal(here, later(240))).toBe(false);
      expect(await needsRenewal(here, later(250))).toBe(true);
      expect(await needsRenewal({ ...own, vtep: vtepOf("192.0.2.9") }, later(0))).toBe(true);
    },
  );

  test("where it can't be read", async () => {
    expect(await needsRenewal({ ...(await memberOf()), cert: "nonsense" }, now)).toBe(true);
  });
});
