/** What CNI asks of CNI_ARGS: how pairs are read, and which keys are known. */
import { expect, test } from "vitest";
import { parseCniArgs } from "../../../lib/cni/cni-args.ts";
import { collectFaults } from "../../../lib/faults.ts";
import { attachmentEnv, run } from "./fake-io.ts";

function parse(text: string) {
  const faults = collectFaults();
  const { asked, workload } = parseCniArgs(text, faults);
  const [ip, mac, cidr] = ["IP", "MAC", "SOCKETPLANE_CIDR"].map((key) => asked.text(key));
  return { ip, mac, cidr, workload, faults: faults.list() };
}

const nothing = { ip: undefined, mac: undefined, cidr: undefined, workload: {}, faults: [] };

test("nothing is asked by nothing", () => {
  expect(parse("")).toEqual(nothing);
});

test("the known keys are taken, with or without IgnoreUnknown", () => {
  expect(parse("IP=10.2.0.9;MAC=02:42:0a:02:00:09;SOCKETPLANE_CIDR=10.0.6.1/24")).toEqual({
    ...nothing,
    ip: "10.2.0.9",
    mac: "02:42:0a:02:00:09",
    cidr: "10.0.6.1/24",
  });
});

test("what kubelet and containerd send is taken", () => {
  const text =
    "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;" +
    "K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=1-2-3";
  expect(parse(text)).toEqual({
    ...nothing,
    workload: {
      K8S_POD_NAMESPACE: "shop",
      K8S_POD_NAME: "web-0",
      K8S_POD_INFRA_CONTAINER_ID: "abc",
      K8S_POD_UID: "1-2-3",
    },
  });
});

test.each(["FOO", "FOO=1=2", "IP=10.2.0.9;", ";", "IP=10.2.0.9;;MAC=x", "a=b;c"])(
  "%j has a pair that isn't K=V",
  (text) => {
    expect(parse(`IgnoreUnknown=1;${text}`).faults[0]).toContain("is not of the form K=V");
  },
);

test.each(["1", "true", "TRUE", "True"])(
  "unknown keys are passed over with IgnoreUnknown=%s, wherever it stands",
  (value) => {
    expect(parse(`FOO=1;IgnoreUnknown=${value};ip=2`).faults).toEqual([]);
    expect(parse(`IgnoreUnknown=${value};__proto__=1;constructor=2`)).toEqual(nothing);
  },
);

test.each(["FOO=1", "FOO=1;IgnoreUnknown=0", "FOO=1;IgnoreUnknown=False", "FOO=1;ignoreunknown=1"])(
  "unknown keys are an error otherwise: %s",
  (text) => {
    expect(parse(text).faults[0]).toContain('"FOO" is not one of');
  },
);

test("all faults are named", () => {
  expect(parse("A=1;B;C=2;IgnoreUnknown=perhaps").faults).toHaveLength(4);
});

test("the last of two with one key counts", () => {
  expect(parse("IP=10.2.0.1;IP=10.2.0.2").ip).toBe("10.2.0.2");
});

test("an empty value asks for nothing", () => {
  expect(parse("IP=;MAC=")).toEqual(nothing);
});

test("ADD and CHECK mind CNI_ARGS, code 4; DEL does its work all the same", async () => {
  const env = { ...attachmentEnv, CNI_ARGS: "FOO=1" };
  const stdin = { cniVersion: "1.0.0", name: "web", prevResult: {} };
  const outcomes = await Promise.all(
    ["ADD", "CHECK", "DEL"].map((CNI_COMMAND) => run({ env: { ...env, CNI_COMMAND }, stdin })),
  );
  expect(outcomes.map(({ said }) => said.code)).toEqual([4, 4, undefined]);
});
