/** What strangers send is read, or refused with all its faults and none of its secrets. */
import { expect, test } from "vitest";
import {
  formatJoin,
  formatJoinReply,
  formatRefusal,
  formatRenew,
  parseJoin,
  parseJoinReply,
  parseRefusal,
  parseRenew,
} from "../../../lib/cluster/messages.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";

const vtep = parseVtep("192.0.2.2");
if (vtep === undefined) throw new Error("no address");
const question = {
  token: { id: "abcdef", secret: "s".repeat(16) },
  csr: "-----BEGIN",
  node: "host-b",
  vtep,
  machineId: "0123",
};

test("questions and replies are read as they are written", () => {
  expect(parseJoin(formatJoin(question))).toEqual(question);
  const open = { ...question, token: undefined, csr: undefined };
  expect(parseJoin(formatJoin(open))).toEqual(open);
  expect(parseRenew(formatRenew({ csr: "x", vtep }))).toEqual({ csr: "x", vtep });
  const reply = { certificates: undefined, endpoints: ["https://192.0.2.1:2379"], prefix: "/sp" };
  expect(parseJoinReply(formatJoinReply(reply))).toEqual(reply);
  const certified = { ...reply, certificates: { ca: "a", cert: "b" } };
  expect(parseJoinReply(formatJoinReply(certified))).toEqual(certified);
});

const json = JSON.parse(formatJoin(question));
test.each([
  ["no JSON", "it is not an object"],
  ["[]", "it is not an object"],
  ["{}", '"node" is missing; "vtep" is missing; "machineId" is missing'],
  [JSON.stringify({ ...json, node: "../../etc/passwd" }), '"node" must be a name'],
  [JSON.stringify({ ...json, node: "a".repeat(254) }), '"node" must be a name'],
  [JSON.stringify({ ...json, vtep: "192.0.2.2/24" }), '"vtep" must be an address'],
  [JSON.stringify({ ...json, machineId: "a\nb" }), '"machineId" must be a text'],
  [JSON.stringify({ ...json, more: 1 }), '"more" is not a known key'],
  [JSON.stringify({ ...json, csr: 1 }), '"csr" must be a text'],
  [JSON.stringify({ ...json, token: { id: "abcdef" } }), '"token" must be an object'],
  [JSON.stringify({ ...json, token: "abcdef" }), '"token" is not an object'],
  [`${"[".repeat(8_000)}`, "it is not an object"],
  [`{"node":${"[".repeat(4_000)}${"]".repeat(4_000)}}`, '"node" must be a text'],
])("%.40j is refused", (text, state) => {
  expect(() => parseJoin(text)).toThrow(state);
  expect(() => parseRenew(text)).toThrow("Cannot read the request to renew");
});

test("no secret is in what is said of a question that can't be read", () => {
  const secret = question.token.secret;
  for (const token of [{ id: 1, secret }, { id: "abcdef", secret: [secret] }, secret]) {
    const text = JSON.stringify({ ...json, token });
    try {
      parseJoin(text);
      expect.unreachable();
    } catch (fault) {
      expect(String(fault)).not.toContain(secret);
    }
  }
});

test.each([
  "",
  "{}",
  '{"endpoints":[],"prefix":""}',
  '{"endpoints":["a b"],"prefix":""}',
  '{"endpoints":["https://a"],"prefix":1}',
  JSON.stringify({ endpoints: Array.from({ length: 17 }, () => "https://a"), prefix: "" }),
])("%j is no reply", (text) => {
  expect(parseJoinReply(text)).toBeUndefined();
});

test("a refusal is shown without what terminals act on, and no longer than is read", () => {
  const refusal = { error: "no\u001b[2J\nmore", details: "d".repeat(2_000) };
  const read = parseRefusal(formatRefusal(refusal));
  expect(read.error).toBe("no [2J more");
  expect(read.details).toHaveLength(500);
  expect(parseRefusal("<html>").error).toBe("it says nothing that can be read");
});
