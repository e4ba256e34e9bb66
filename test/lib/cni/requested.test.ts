/** What CNI asks of args and capabilities: what goes before what, and what is refused. */
import { describe, expect, test } from "vitest";
import { attachmentEnv, type Given, run } from "./fake-io.ts";

const good = { cniVersion: "1.1.0", name: "web", type: "socketplane" };
const every = ["ips", "mac", "dns", "portMappings", "bandwidth", "aliases", "ipRanges"];

async function ask(config: object, CNI_ARGS = "", given: Partial<Given> = {}) {
  const env = { CNI_COMMAND: "ADD", ...attachmentEnv, CNI_ARGS };
  const stdin = { ...good, ...config };
  const { said, requests } = await run({ env, stdin, honours: every, ...given });
  const request = requests[0];
  return { said, requested: request?.command === "ADD" ? request.requested : undefined };
}

const ip4 = (address: number, length?: number) => ({ family: 4, address, length });

test("nothing is asked for by default", async () => {
  const { requested } = await ask({});
  expect(requested).toEqual({
    ips: [],
    mac: undefined,
    cidr: undefined,
    workload: {},
    labels: [],
    dns: undefined,
    portMappings: [],
    bandwidth: undefined,
    aliases: [],
    ipRanges: undefined,
    capabilities: new Map(),
  });
});

describe("the same thing asked for in several ways", () => {
  const asked = { CNI_ARGS: "IP=10.2.0.1;MAC=02:00:00:00:00:01" };
  const cni = { ips: ["10.2.0.2/16"], mac: "02:00:00:00:00:02" };
  const runtimeConfig = { ips: ["10.2.0.3", "fd00::3/64"], mac: "02:00:00:00:00:03" };

  test("CNI_ARGS goes last", async () => {
    const { requested } = await ask({}, asked.CNI_ARGS);
    expect(requested).toMatchObject({ ips: [ip4(0x0a020001)], mac: 0x020000000001 });
  });

  test("args.cni goes before it", async () => {
    const { requested } = await ask({ args: { cni } }, asked.CNI_ARGS);
    expect(requested).toMatchObject({ ips: [ip4(0x0a020002, 16)], mac: 0x020000000002 });
  });

  test("runtimeConfig goes first", async () => {
    const { requested } = await ask({ args: { cni }, runtimeConfig }, asked.CNI_ARGS);
    const six = { family: 6, address: (0xfd00n << 112n) | 3n, length: 64 };
    expect(requested).toMatchObject({ ips: [ip4(0x0a020003), six], mac: 0x020000000003 });
  });

  test("each thing by itself: an empty one asks for nothing", async () => {
    const runtime = { ips: [], mac: "" };
    const { requested } = await ask({ args: { cni }, runtimeConfig: runtime }, asked.CNI_ARGS);
    expect(requested).toMatchObject({ ips: [ip4(0x0a020002, 16)], mac: 0x020000000002 });
  });

  test("what goes after is ignored, even when it is nonsense", async () => {
    const { requested } = await ask({ args: { cni } }, "IP=nonsense;MAC=nonsense");
    expect(requested).toMatchObject({ ips: [ip4(0x0a020002, 16)], mac: 0x020000000002 });
  });
});

test("CNI_ARGS: SOCKETPLANE_CIDR and the pod's words", async () => {
  const { requested } = await ask({}, "SOCKETPLANE_CIDR=10.0.6.1/24;K8S_POD_NAME=web-0");
  expect(requested).toMatchObject({
    cidr: { address: 0x0a000601, length: 24 },
    workload: { K8S_POD_NAME: "web-0" },
  });
});

test("labels of the convention's shape are taken, others passed over", async () => {
  const labels = [{ key: "app", value: "web" }, { key: "n", value: 1 }, "x", null];
  expect((await ask({ args: { cni: { labels } } })).requested?.labels).toEqual([
    { key: "app", value: "web" },
  ]);
  for (const odd of ["x", {}, 5, null]) {
    expect((await ask({ args: { cni: { labels: odd } } })).requested?.labels).toEqual([]);
  }
});

test("port mappings, bandwidth and dns", async () => {
  const { requested } = await ask({
    runtimeConfig: {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "192.0.2.1" },
        { hostPort: 53, containerPort: 53, protocol: "UDP" },
      ],
      bandwidth: { ingressRate: 2048, ingressBurst: 1600, egressRate: 4096, egressBurst: 1600 },
      dns: { servers: ["10.0.0.10"], searches: ["corp.example"], options: ["ndots:5"] },
      aliases: ["db"],
      ipRanges: [[{ subnet: "10.2.0.0/24" }]],
    },
  });
  expect(requested).toMatchObject({
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIp: "192.0.2.1" },
      { hostPort: 53, containerPort: 53, protocol: "udp", hostIp: undefined },
    ],
    bandwidth: { ingressRate: 2048, ingressBurst: 1600, egressRate: 4096, egressBurst: 1600 },
    dns: {
      nameservers: ["10.0.0.10"],
      domain: undefined,
      search: ["corp.example"],
      options: ["ndots:5"],
    },
    aliases: ["db"],
    ipRanges: [[{ subnet: "10.2.0.0/24" }]],
  });
});

test("keys in the case that containerd writes them", async () => {
  const { requested } = await ask({
    runtimeConfig: {
      portMappings: [{ HostPort: 8080, ContainerPort: 80, Protocol: "tcp", HostIP: "" }],
      bandwidth: { IngressRate: 1, IngressBurst: 2, EgressRate: 3, EgressBurst: 4 },
      dns: { Servers: ["10.0.0.10"], Searches: null, Options: null },
    },
  });
  expect(requested).toMatchObject({
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIp: undefined }],
    bandwidth: { ingressRate: 1, ingressBurst: 2, egressRate: 3, egressBurst: 4 },
    dns: { nameservers: ["10.0.0.10"], search: [], options: [] },
  });
});

test("aliases as podman writes them: a list for each network", async () => {
  const { requested } = await ask({ runtimeConfig: { aliases: { web: ["db", "58badda29897"] } } });
  expect(requested).toMatchObject({ aliases: ["db", "58badda29897"] });
});

test.each([
  ["ips[0]", { ips: ["10.2.0.300"] }],
  ["ips[1]", { ips: ["10.2.0.3", "10.2.0.4/33"] }],
  ["ips[0]", { ips: [5] }],
  ["ips", { ips: "10.2.0.3" }],
  ["mac", { mac: "02:00" }],
  ["portMappings", { portMappings: { hostPort: 1 } }],
  ["containerPort", { portMappings: [{ hostPort: 80 }] }],
  ["hostPort", { portMappings: [{ hostPort: 70000, containerPort: 80 }] }],
  ["protocol", { portMappings: [{ hostPort: 1, containerPort: 1, protocol: "icmp" }] }],
  ["ingressRate", { bandwidth: { ingressRate: -1 } }],
  ["bandwidth", { bandwidth: "fast" }],
  ["servers", { dns: { servers: "10.0.0.1" } }],
  ["aliases[0]", { aliases: [{}] }],
  ["aliases.web[1]", { aliases: { web: ["db", 5] } }],
  ["aliases.web", { aliases: { web: "db" } }],
])("a malformed runtimeConfig.%s is code 7", async (where, runtimeConfig) => {
  const { said, requested } = await ask({ runtimeConfig });
  expect(said.code).toBe(7);
  expect(said.msg).toContain(where);
  expect(requested).toBeUndefined();
});

test.each(["IP=10.2.0.300", "MAC=5", "SOCKETPLANE_CIDR=10.0.6.1"])(
  "a malformed CNI_ARGS %s is code 4",
  async (CNI_ARGS) => {
    const { said } = await ask({}, CNI_ARGS);
    expect(said.code).toBe(4);
    expect(said.msg).toContain("CNI_ARGS");
  },
);

test("a malformed args.cni is code 7; what else is in args is nobody's business", async () => {
  expect((await ask({ args: { cni: { ips: ["x"] } } })).said.code).toBe(7);
  expect((await ask({ args: { cni: { mac: "x" } } })).said.code).toBe(7);
  expect((await ask({ args: { other: 5, cni: { more: 5 } } })).said.code).toBeUndefined();
});

test("what is asked for and can't be had is code 2, with key and value", async () => {
  const bandwidth = { ingressRate: 2048 };
  const { said, requested } = await ask(
    { runtimeConfig: { bandwidth, deviceID: "0000:04:00.5", mac: "02:00:00:00:00:01" } },
    "",
    { honours: ["mac"] },
  );
  expect(said.code).toBe(2);
  expect(said.msg).toContain(`"runtimeConfig.bandwidth" is not supported: {"ingressRate":2048}`);
  expect(said.msg).toContain(`"runtimeConfig.deviceID" is not supported: "0000:04:00.5"`);
  expect(requested).toBeUndefined();
});

test("an IPAM plugin lets pass what is asked of the plugin above it", async () => {
  const runtimeConfig = { deviceID: "0000:04:00.5", bandwidth: { ingressRate: 1 } };
  const { requested } = await ask({ runtimeConfig }, "", { honours: "any" });
  expect(requested?.capabilities.size).toBe(2);
});

test("what runtimes write with nothing in it isn't asked for", async () => {
  const runtimeConfig = {
    portMappings: [],
    bandwidth: { ingressRate: 0, ingressBurst: 0, egressRate: 0, egressBurst: 0 },
    dns: { Servers: null, Searches: [], Options: [] },
    ips: null,
    mac: "",
    cgroupPath: "",
  };
  const { requested } = await ask({ runtimeConfig }, "", { honours: [] });
  expect(requested?.capabilities).toEqual(new Map());
  expect(requested?.bandwidth).toBeUndefined();
});
