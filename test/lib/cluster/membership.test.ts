import { expect, test } from "vitest";
import { membershipOf, throwFaults } from "../../../lib/cluster/membership.ts";
import { Failure } from "../../../lib/errors.ts";
import { defaultNodeConfig, parseNodeConfig } from "../../../lib/node-config.ts";

const store = { type: "etcd", endpoints: ["https://192.0.2.1:2379"] };
const inCluster = parseNodeConfig(JSON.stringify({ store }), "node.json");
const { endpoints } = store;

test.each([
  [defaultNodeConfig(), { runsEtcd: true, hasCertificate: true }, { is: "alone" }],
  [inCluster, { runsEtcd: true, hasCertificate: true }, { is: "founder", endpoints }],
  [inCluster, { runsEtcd: false, hasCertificate: true }, { is: "member", endpoints, joined: true }],
  [
    inCluster,
    { runsEtcd: false, hasCertificate: false },
    { is: "member", endpoints, joined: false },
  ],
])("what a machine is, by its files", (config, files, expected) => {
  expect(membershipOf(config, files)).toEqual(expected);
});

test("one fault is told as it is; of several, each with what to do", () => {
  const one = new Failure("io", "Cannot do this: it is so", { details: "Do that.\nAnd that." });
  const two = new Failure("invalid-config", "Cannot be");
  expect(() => throwFaults("act", [])).not.toThrow();
  expect(() => throwFaults("act", [one])).toThrow(one);
  const thrown = (() => {
    try {
      throwFaults("act", [one, two]);
    } catch (failure) {
      return failure as Failure;
    }
  })();
  expect(thrown?.message).toBe("Cannot act: 2 things are in the way");
  expect(thrown?.details).toBe("- Cannot do this: it is so\n  Do that.\n  And that.\n- Cannot be");
});
